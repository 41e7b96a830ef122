# Host programs for the guest's file system: mkfs makes images, fsck-kmv checks them.

MKFS_DIR := guest-xv6/mkfs
MKFS_OUT := $(BUILD)/guest/obj-mkfs
MKFS_CFLAGS := $(CFLAGS) $(WARNINGS) -std=c11 -I$(MKFS_DIR) -MMD -MP

$(MKFS_OUT)/%.o: $(MKFS_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(MKFS_CFLAGS) -c -o $@ $<

$(BUILD)/guest/mkfs: $(addprefix $(MKFS_OUT)/,mkfs.o builder.o hostfile.o)
	$(CC) $(CFLAGS) -o $@ $^

ALL += $(BUILD)/guest/mkfs

-include $(wildcard $(MKFS_OUT)/*.d)
