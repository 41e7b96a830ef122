# Compute programs for this processor, native and translated, and what runs them with the mirror mapped.

TB_DIR := tests/bench/programs
TB_OUT := $(BUILD)/bench/host

TB_CFLAGS  := -std=gnu11 -m32 -O2 -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none \
              -fno-asynchronous-unwind-tables $(WARNINGS) $(GU_NO_IDIOMS) -I. -MMD -MP
TB_LDFLAGS := -m32 -nostdlib -static -no-pie -Wl,--emit-relocs,--build-id=none,-z,noexecstack,-e,entry \
              -Wl,-Ttext-segment=0x08048000
# Clear of programs, their stack and both mirrors.
TB_RUNNER_BASE := 0x60000000

TB_GUEST    := guest_compute guest_copy
TB_OWN      := sort matrix sha256 crc32 lz queens sieve hash search fft bignum
TB_SSE      := matrix_sse fft_sse
TB_PROGRAMS := $(TB_OWN) $(TB_SSE) $(TB_GUEST)
TB_BUILT    := $(TB_OUT)/runner $(foreach kind,native translated,$(TB_PROGRAMS:%=$(TB_OUT)/%.$(kind)))

$(TB_OUT)/%.o: $(TB_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TB_CFLAGS) -c -o $@ $<

# The same sources with SSE2 in place of x87.
$(TB_OUT)/%_sse.o: $(TB_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TB_CFLAGS) -msse2 -mfpmath=sse -c -o $@ $<

$(addprefix $(TB_OUT)/,$(addsuffix .native,$(TB_OWN) $(TB_SSE))): $(TB_OUT)/support.o
# The guest's own objects, as it runs them.
$(addprefix $(TB_OUT)/,$(addsuffix .native,$(TB_GUEST))): $(GU_OUT)/obj/compute.o $(GU_OUT)/obj/lib/string.o

$(TB_OUT)/%.native: $(TB_OUT)/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(TB_LDFLAGS) -o $@ $^

$(TB_OUT)/%.translated: $(TB_OUT)/%.native $(BUILD)/translator/kmv-translate $(BUILD)/translator/kmv-verify
	$(call say,TRANSLATE,$@)
	$(Q)$(BUILD)/translator/kmv-translate -o $@ $<
	$(Q)$(BUILD)/translator/kmv-verify $< $@

$(TB_OUT)/runner: tests/unit/translator/runner.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -m32 -O1 $(WARNINGS) -static -no-pie -fcf-protection=none -Wl,-Ttext-segment=$(TB_RUNNER_BASE) -o $@ $<

.SECONDARY: $(TB_BUILT) $(TB_PROGRAMS:%=$(TB_OUT)/%.o)

# What translation costs on this processor: wall-clock time of 10 pairs of runs of each program.
.PHONY: bench-host
bench-host: $(TB_BUILT)
	@$(TESTS_PYTHON) tests/bench/host.py --build $(BUILD)

-include $(wildcard $(TB_OUT)/*.d)
