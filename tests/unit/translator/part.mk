# Tests of kmv-translate. Its sources are compiled again, with sanitizers: malformed input must not even touch a byte
# too many.

TT_DIR    := tests/unit/translator
TT_BUILD  := $(BUILD)/tests/translator
TT_CFLAGS := -fno-pie $(TRANSLATOR_CFLAGS) -I$(TT_DIR) -fsanitize=address,undefined -fno-sanitize-recover=undefined
TT_LIBS   := $(TRANSLATOR_LIBS) -lcmocka -lunicorn
TT_CODE   := $(TRANSLATOR_SOURCES:translator/src/%.c=$(TT_BUILD)/src/%.o)
TT_COMMON := $(addprefix $(TT_BUILD)/,machine.o host.o forms.o snippet.o)
TT_TESTS  := $(addprefix $(TT_BUILD)/,test_forms test_hostile)

UNIT_TESTS += $(TT_TESTS)

$(TT_BUILD)/src/%.o: translator/src/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(TT_CFLAGS) -MMD -MP -c -o $@ $<

$(TT_BUILD)/%.o: $(TT_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(TT_CFLAGS) -MMD -MP -c -o $@ $<

$(TT_TESTS): $(TT_BUILD)/%: $(TT_BUILD)/%.o $(TT_COMMON) $(TT_CODE)
	$(call say,LD,$@)
	$(Q)$(CC) $(TT_CFLAGS) -no-pie -o $@ $^ $(TT_LIBS)

# A program to damage.
TT_SEED := $(TT_BUILD)/corners.elf
$(TT_BUILD)/test_hostile.o: TT_CFLAGS += -DHOSTILE_SEED='"$(TT_SEED)"' -DHOSTILE_DEBUG='"$(TT_BUILD)/debug.elf"'
$(TT_BUILD)/test_hostile: | $(TT_SEED) $(TT_BUILD)/debug.elf

$(TT_SEED): $(TT_DIR)/programs/corners.S
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -m32 -nostdlib -static -no-pie -Wl,--emit-relocs,--build-id=none,-z,noexecstack,-e,entry -o $@ $<

# One whose debug information has every kind of section: DWARF 5 and 4, of a compiler and of the assembler.
$(TT_BUILD)/debug.elf: $(TT_DIR)/programs/lines.c $(TT_DIR)/programs/corners.S
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -m32 -O2 -gdwarf-5 -fno-pic -ffreestanding -fno-asynchronous-unwind-tables -fcf-protection=none -c -o $(@D)/debug5.o $<
	$(Q)$(CC) -m32 -O2 -gdwarf-4 -DFIRST=four -fno-pic -ffreestanding -fno-asynchronous-unwind-tables -fcf-protection=none -c -o $(@D)/debug4.o $<
	$(Q)$(CC) -m32 -g -nostdlib -static -no-pie -Wl,--emit-relocs,--build-id=none,-z,noexecstack,-e,entry -o $@ \
	    $(@D)/debug4.o $(@D)/debug5.o $(TT_DIR)/programs/corners.S

-include $(wildcard $(TT_BUILD)/*.d $(TT_BUILD)/src/*.d)

# Speed and memory on generated programs of 5, 10 and 20 MB of text.
.PHONY: bench-translator
bench-translator: $(TRANSLATOR)
	@$(TESTS_PYTHON) tests/bench/translator.py --build $(BUILD)

# Generated programs, at five levels of optimisation: same checksums as the originals, every byte mirrored.
.PHONY: csmith
csmith: $(TRANSLATOR)
	@$(TESTS_PYTHON) $(TT_DIR)/generated.py --build $(BUILD) $(CSMITH_ARGS)

# Drops the mirrors of each writer class in turn: prints how many of these mutants a test notices.
.PHONY: mutants
mutants: all
	@KMV_BUILD=$(BUILD) $(TESTS_PYTHON) -m pytest -q -s $(TT_DIR)/test_programs.py -k dropping_the_mirror
