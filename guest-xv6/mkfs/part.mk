# Host programs for the guest's file system: mkfs makes images, fsck-kmv checks them.

MKFS_DIR := guest-xv6/mkfs
MKFS_OUT := $(BUILD)/guest/obj-mkfs
MKFS_CFLAGS := $(CFLAGS) $(WARNINGS) -std=c11 -I$(MKFS_DIR) -MMD -MP
MKFS_CHECK := check.o check_super.o check_blocks.o check_tree.o list.o

$(MKFS_OUT)/%.o: $(MKFS_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(MKFS_CFLAGS) -c -o $@ $<

$(BUILD)/guest/mkfs: $(addprefix $(MKFS_OUT)/,mkfs.o builder.o hostfile.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^

$(BUILD)/guest/fsck-kmv: $(addprefix $(MKFS_OUT)/,fsck.o hostfile.o $(MKFS_CHECK))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^

ALL += $(BUILD)/guest/mkfs $(BUILD)/guest/fsck-kmv

# Unit tests run the same sources under the sanitizers: a hostile image must not lead astray.
FSTEST_DIR := tests/unit/fs
FSTEST_OUT := $(BUILD)/tests/unit/fs
FSTEST_CFLAGS := $(MKFS_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all
FSTEST_LIB := $(addprefix $(FSTEST_OUT)/mkfs/,builder.o $(MKFS_CHECK))

$(FSTEST_OUT)/mkfs/%.o: $(MKFS_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(FSTEST_CFLAGS) -c -o $@ $<

$(FSTEST_OUT)/test_fsck: $(FSTEST_DIR)/test_fsck.c $(FSTEST_LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(FSTEST_CFLAGS) -o $@ $(filter %.c %.o,$^) -lcmocka

$(FSTEST_OUT)/test_mkfs: $(FSTEST_DIR)/test_mkfs.c $(FSTEST_LIB) $(BUILD)/guest/mkfs $(BUILD)/guest/fsck-kmv
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(FSTEST_CFLAGS) -DMKFS='"$(BUILD)/guest/mkfs"' -DFSCK='"$(BUILD)/guest/fsck-kmv"' -DSCRATCH='"$(FSTEST_OUT)"' -o $@ \
	    $(filter %.c %.o,$^) -lcmocka

UNIT_TESTS += $(FSTEST_OUT)/test_fsck $(FSTEST_OUT)/test_mkfs

-include $(wildcard $(MKFS_OUT)/*.d $(FSTEST_OUT)/*.d $(FSTEST_OUT)/mkfs/*.d)
