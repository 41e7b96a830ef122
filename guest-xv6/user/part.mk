# Guest programs: native in $(BUILD)/guest/user, translated in $(BUILD)/guest/mirror-$(OFFSET)/user, and the disk images.
# Copies in .../disk have no symbols: a file of the guest's file system holds at most 71,680 bytes.

GU_DIR  := guest-xv6/user
GU_OUT  := $(BUILD)/guest/user
GU_NATIVE_DISK := $(BUILD)/guest/disk
GU_MIRROR := $(BUILD)/guest/mirror-$(OFFSET)

GU_SIMPLE := bench cat echo faults forktest give grep hold init inject kill ln lose ls mirrorstat mkdir poweroff race rm scrub \
             spaces stressfs verify wc zombie
GU_PROGRAMS := $(GU_SIMPLE) sh usertests
GU_BLOCKS ?= 4000

# gcc would turn the loops of memmove and its like into calls of themselves; clang knows neither the habit nor the option.
GU_NO_IDIOMS := $(shell $(CC) -fno-tree-loop-distribute-patterns -E -x c /dev/null >/dev/null 2>&1 && \
                  echo -fno-tree-loop-distribute-patterns)
GU_CFLAGS := -std=gnu11 -m32 -march=i686 -Os $(WARNINGS) -ffreestanding -fno-builtin -fno-pic \
             -fno-stack-protector -mgeneral-regs-only -fcf-protection=none -fno-asynchronous-unwind-tables \
             $(GU_NO_IDIOMS) -I$(GU_DIR)/include -Ihv/include \
             -Itests/machine/hypervisor/include -MMD -MP
GU_LDFLAGS := -m32 -nostdlib -static -Wl,-T,$(GU_DIR)/user.ld -Wl,--emit-relocs -Wl,--build-id=none \
              -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack

GU_LIB := $(addprefix $(GU_OUT)/obj/lib/,start.o usys.o string.o printf.o malloc.o io.o report.o)

GU_OBJ_bench := $(addprefix $(GU_OUT)/obj/,bench.o compute.o)
GU_OBJ_sh := $(addprefix $(GU_OUT)/obj/sh/,main.o parse.o)
GU_OBJ_usertests := $(addprefix $(GU_OUT)/obj/usertests/,main.o support.o arguments.o memory.o files.o \
                      directories.o races.o pipes.o processes.o execs.o hostile.o)

$(GU_OUT)/obj/%.o: $(GU_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(GU_CFLAGS) -c -o $@ $<

$(GU_OUT)/obj/%.o: $(GU_DIR)/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(GU_CFLAGS) -c -o $@ $<

define GU_PROGRAM
$(GU_OUT)/$(1): $$(or $$(GU_OBJ_$(1)),$(GU_OUT)/obj/$(1).o) $(GU_LIB) $(GU_DIR)/user.ld
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $(GU_LDFLAGS) -o $$@ $$(filter %.o,$$^)
endef
$(foreach program,$(GU_PROGRAMS),$(eval $(call GU_PROGRAM,$(program))))

$(GU_MIRROR)/user/%: $(GU_OUT)/% $(BUILD)/translator/kmv-translate $(BUILD)/translator/kmv-verify
	@mkdir -p $(@D)
	$(call say,TRANSLATE,$@)
	$(Q)$(BUILD)/translator/kmv-translate --offset 0x$(OFFSET) -o $@ $<
	$(Q)$(BUILD)/translator/kmv-verify $< $@

GU_STRIP := strip --strip-all --remove-section=.kmv.addrmap --remove-section=.kmv.windows

$(GU_NATIVE_DISK)/%: $(GU_OUT)/%
	@mkdir -p $(@D)
	$(call say,STRIP,$@)
	$(Q)$(GU_STRIP) -o $@ $<

$(GU_MIRROR)/disk/%: $(GU_MIRROR)/user/%
	@mkdir -p $(@D)
	$(call say,STRIP,$@)
	$(Q)$(GU_STRIP) -o $@ $<

$(BUILD)/guest/fs.img: $(BUILD)/guest/mkfs $(addprefix $(GU_NATIVE_DISK)/,$(GU_PROGRAMS)) $(GU_DIR)/rootfs/README
	$(call say,MKFS,$@)
	$(Q)$< --size $(GU_BLOCKS) $@ $(filter-out $<,$^)

$(GU_MIRROR)/fs.img: $(BUILD)/guest/mkfs $(addprefix $(GU_MIRROR)/disk/,$(GU_PROGRAMS)) $(GU_DIR)/rootfs/README
	$(call say,MKFS,$@)
	$(Q)$< --size $(GU_BLOCKS) $@ $(filter-out $<,$^)

ALL += $(addprefix $(GU_OUT)/,$(GU_PROGRAMS)) $(BUILD)/guest/fs.img $(GU_MIRROR)/fs.img

.SECONDARY: $(addprefix $(GU_MIRROR)/user/,$(GU_PROGRAMS)) $(addprefix $(GU_MIRROR)/disk/,$(GU_PROGRAMS)) \
            $(addprefix $(GU_NATIVE_DISK)/,$(GU_PROGRAMS))

# Unit tests run the parts without system calls on the host, under the sanitizers.
UTEST_DIR := tests/unit/user
UTEST_OUT := $(BUILD)/tests/unit/user
UTEST_CFLAGS := $(CFLAGS) $(WARNINGS) -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP

$(UTEST_OUT)/lib/%.o: $(GU_DIR)/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(UTEST_CFLAGS) -fno-builtin -std=gnu11 -include $(UTEST_DIR)/rename.h -I$(GU_DIR)/include -c -o $@ $<

$(UTEST_OUT)/test_ulib: $(UTEST_DIR)/test_ulib.c $(addprefix $(UTEST_OUT)/lib/,string.o printf.o malloc.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(UTEST_CFLAGS) -std=gnu11 -o $@ $^ -lcmocka

$(UTEST_OUT)/test_sh_parse: $(UTEST_DIR)/test_sh_parse.c $(GU_DIR)/sh/parse.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(UTEST_CFLAGS) -std=gnu11 -I$(GU_DIR)/sh -o $@ $^ -lcmocka

$(UTEST_OUT)/test_disk_copies: $(UTEST_DIR)/test_disk_copies.c $(addprefix $(GU_MIRROR)/disk/,$(GU_PROGRAMS))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(UTEST_CFLAGS) -std=gnu11 -Itranslator/include -DORIGINALS='"$(GU_MIRROR)/user"' -DCOPIES='"$(GU_MIRROR)/disk"' \
	    -DOFFSET=0x$(OFFSET) -DPROGRAMS='"$(GU_PROGRAMS)"' -o $@ $< -lcmocka

UNIT_TESTS += $(UTEST_OUT)/test_ulib $(UTEST_OUT)/test_sh_parse $(UTEST_OUT)/test_disk_copies

-include $(wildcard $(GU_OUT)/obj/*.d $(GU_OUT)/obj/*/*.d $(UTEST_OUT)/*.d $(UTEST_OUT)/*/*.d)
