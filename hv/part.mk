# The hypervisor: a static-PIE ELF64 that the loader relocates.

HV_OUT     := $(BUILD)/hv
HV_DIRS    := boot cpu exit lib log mirror mm platform recovery vcpu vm vmx
HV_C       := $(foreach dir,$(HV_DIRS),$(wildcard hv/$(dir)/*.c))
HV_S       := $(foreach dir,$(HV_DIRS),$(wildcard hv/$(dir)/*.S))
HV_OBJ     := $(HV_C:hv/%.c=$(HV_OUT)/%.o) $(HV_S:hv/%.S=$(HV_OUT)/%.S.o)
HV_CFLAGS  := $(CFLAGS) $(WARNINGS) -std=gnu11 -I. -Ihv/include -ffreestanding -fpie -fno-stack-protector \
              -fno-asynchronous-unwind-tables -fcf-protection=none -fvisibility=hidden -mno-red-zone \
              -mgeneral-regs-only -fno-omit-frame-pointer
# The backend's accessors are one VMX instruction each, in files of their own: across files a call costs more than they do.
# Clang would need a linker of its own for it.
HV_LTO     := $(if $(findstring clang,$(shell $(CC) --version)),,-flto=1 -flto-partition=one)
HV_CFLAGS  += $(HV_LTO)
HV_LDFLAGS := $(HV_CFLAGS) -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
              -Wl,-z,separate-code -Wl,--build-id=none -Wl,-z,norelro -Wl,-T,hv/boot/hv.lds

ALL += $(HV_OUT)/hv.elf

$(HV_OUT)/hv.elf: $(HV_OBJ) hv/boot/hv.lds
	$(call say,LD,$@)
	$(Q)$(CC) $(HV_LDFLAGS) -o $@ $(HV_OBJ)

$(HV_OUT)/%.o: hv/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(HV_OUT)/%.S.o: hv/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

-include $(HV_OBJ:.o=.d)
