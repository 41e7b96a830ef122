# The loader: a GNU-EFI application, and host tests of its parts that make no EFI calls.

LOADER_PURE := error config ranges multiboot image elf32 elf64 plan guest mptable
LOADER_EFI  := main memory files report platform handover string

LOADER_APP  := $(BUILD)/uefi/BOOTX64.EFI
LOADER_SO   := $(BUILD)/uefi/loader.so
LOADER_OBJS := $(patsubst %,$(BUILD)/uefi/%.o,$(LOADER_PURE) $(LOADER_EFI))

OVMF         ?= /usr/share/ovmf/OVMF.fd
LOADER_OVMF  := $(BUILD)/uefi/ovmf.fd

ALL += $(LOADER_APP) $(LOADER_OVMF)

# The firmware's stack is the loader's: its interrupts use what lies below (no red zone), and it has no guard value.
# Only gcc needs -maccumulate-outgoing-args (for calls of the EFI ABI) and has to be kept from turning the loops
# of string.c into calls of the functions that they implement.
LOADER_CFLAGS := $(CFLAGS) -std=c11 $(WARNINGS) -ffreestanding -fpic -fshort-wchar -mno-red-zone \
	-fno-stack-protector -fno-strict-aliasing -mgeneral-regs-only \
	$(if $(findstring clang,$(CC)),,-maccumulate-outgoing-args -fno-tree-loop-distribute-patterns) \
	-DGNU_EFI_USE_MS_ABI -Iuefi -Ihv/include -Itranslator/include -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

LOADER_EFI_LIB := /usr/lib
LOADER_LDFLAGS := -nostdlib -znocombreloc -shared -Bsymbolic --fatal-warnings --no-undefined \
	-z noexecstack -T $(LOADER_EFI_LIB)/elf_x86_64_efi.lds
LOADER_SECTIONS := .text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

$(BUILD)/uefi/%.o: uefi/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(LOADER_CFLAGS) -MMD -MP -c -o $@ $<

$(LOADER_SO): $(LOADER_OBJS)
	$(call say,LD,$@)
	$(Q)$(LD) $(LOADER_LDFLAGS) -o $@ $(LOADER_EFI_LIB)/crt0-efi-x86_64.o $^ $(LOADER_EFI_LIB)/libgnuefi.a

$(LOADER_APP): $(LOADER_SO)
	$(call say,EFI,$@)
	$(Q)objcopy $(addprefix -j ,$(LOADER_SECTIONS)) --target=efi-app-x86_64 --subsystem=10 $< $@

$(LOADER_OVMF): $(wildcard $(OVMF)) scripts/trim-firmware scripts/kmvlib/firmware.py
	@mkdir -p $(@D)
	$(call say,TRIM,$@)
	$(Q)scripts/trim-firmware $(OVMF) $@

-include $(LOADER_OBJS:.o=.d)

LOADER_TESTS     := config image elf64 hostile guest plan mptable
LOADER_TEST_DIR  := $(BUILD)/tests/loader
LOADER_TEST_OBJS := $(patsubst %,$(LOADER_TEST_DIR)/%.o,$(LOADER_PURE) elf_files)
LOADER_TEST_BINS := $(patsubst %,$(LOADER_TEST_DIR)/test_%,$(LOADER_TESTS))
LOADER_SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all
LOADER_TEST_CFLAGS := $(CFLAGS) -std=c11 $(WARNINGS) $(LOADER_SANITIZE) -D_DEFAULT_SOURCE \
	-Iuefi -Itests/unit/loader -Ihv/include -Itranslator/include

UNIT_TESTS += $(LOADER_TEST_BINS)

$(LOADER_TEST_DIR)/%.o: uefi/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(LOADER_TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(LOADER_TEST_DIR)/%.o: tests/unit/loader/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(LOADER_TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(LOADER_TEST_BINS): $(LOADER_TEST_DIR)/test_%: $(LOADER_TEST_DIR)/test_%.o $(LOADER_TEST_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LOADER_SANITIZE) -o $@ $^ -lcmocka

-include $(LOADER_TEST_OBJS:.o=.d) $(LOADER_TEST_BINS:=.d)

# A stand-in for the hypervisor that tells what it was handed (tests/machine/test_loader.py).
LOADER_PROBE := $(LOADER_TEST_DIR)/probe.elf

ALL += $(LOADER_PROBE)

$(LOADER_PROBE): tests/machine/loader/probe.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -std=c11 $(WARNINGS) -ffreestanding -fpie -fno-stack-protector -mno-red-zone \
		-mgeneral-regs-only -Ihv/include -Iuefi -nostdlib -static-pie \
		-Wl,--no-dynamic-linker,-z,noexecstack -MMD -MP -MF $(@:.elf=.d) -o $@ $<

-include $(LOADER_PROBE:.elf=.d)
