# The guest: kernel (here), programs (user/), disk images (mkfs/).
# Native: $(BUILD)/guest/kernel.elf; translated for OFFSET: $(BUILD)/guest/mirror-$(OFFSET)/kernel.elf.

GK_DIR := guest-xv6/kernel
GK_OUT := $(BUILD)/guest/kernel
GK_NATIVE := $(BUILD)/guest/kernel.elf
GK_MIRROR := $(BUILD)/guest/mirror-$(OFFSET)/kernel.elf

GK_CFLAGS := -std=gnu11 -m32 -march=i686 -O2 -g $(WARNINGS) -Wframe-larger-than=512 -ffreestanding -fno-builtin \
             -fno-pic -fno-stack-protector -fno-omit-frame-pointer -fno-optimize-sibling-calls -mgeneral-regs-only -fcf-protection=none \
             -fno-asynchronous-unwind-tables -fno-strict-aliasing -I$(GK_DIR) -Ihv/include -Itranslator/include \
             -Itests/machine/hypervisor/include -MMD -MP
GK_LDFLAGS := -m32 -nostdlib -static -Wl,-T,$(GK_DIR)/kernel.ld -Wl,--emit-relocs -Wl,--build-id=none \
              -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack

GK_OBJ := $(patsubst $(GK_DIR)/%,$(GK_OUT)/%.o,$(wildcard $(GK_DIR)/*.c $(GK_DIR)/*.S))

# The kernel refuses programs that were translated for another OFFSET, so it is built for one.
GK_OFFSET := $(GK_OUT)/offset
.PHONY: gk-force
$(GK_OFFSET): gk-force
	@mkdir -p $(@D)
	@echo $(OFFSET) | cmp -s - $@ || echo $(OFFSET) > $@
$(GK_OUT)/hypervisor.c.o: GK_CFLAGS += -DKMV_OFFSET=0x$(OFFSET)u
$(GK_OUT)/hypervisor.c.o: $(GK_OFFSET)

$(GK_OUT)/%.o: $(GK_DIR)/%
	@mkdir -p $(@D)
	$(call say,$(if $(filter %.S,$<),AS,CC),$<)
	$(Q)$(CC) $(GK_CFLAGS) -c -o $@ $<

$(GK_NATIVE): $(GK_OBJ) $(GK_DIR)/kernel.ld
	$(call say,LD,$@)
	$(Q)$(CC) $(GK_LDFLAGS) -o $@ $(GK_OBJ)

$(GK_MIRROR): $(GK_NATIVE) $(BUILD)/translator/kmv-translate $(BUILD)/translator/kmv-verify
	@mkdir -p $(@D)
	$(call say,TRANSLATE,$@)
	$(Q)$(BUILD)/translator/kmv-translate --offset 0x$(OFFSET) --trap-entry alltraps:gate -o $@ $<
	$(Q)$(BUILD)/translator/kmv-verify --trap-entry alltraps:gate $< $@

ALL += $(GK_NATIVE) $(GK_MIRROR)

-include $(wildcard $(GK_OUT)/*.d)
include guest-xv6/user/part.mk
include guest-xv6/mkfs/part.mk
