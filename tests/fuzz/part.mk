# Fuzzers of kmv-translate (libFuzzer): one of whole files, one of single instructions. `make fuzz` runs each for
# FUZZ_SECONDS; what they find to be new stays in $(BUILD)/fuzz.

FUZZ_SECONDS ?= 600
FUZZ_DIR     := tests/fuzz
FUZZ_BUILD   := $(BUILD)/fuzz
FUZZ_CC      := clang
FUZZ_CFLAGS  := $(TRANSLATOR_CFLAGS) -O1 -fno-sanitize-recover=all -fsanitize=fuzzer,address,undefined
FUZZ_CODE    := $(TRANSLATOR_SOURCES:translator/src/%.c=$(FUZZ_BUILD)/src/%.o)
FUZZERS      := $(FUZZ_BUILD)/fuzz_elf $(FUZZ_BUILD)/fuzz_emit
# Longer than 10 seconds is a hang.
FUZZ_LIMITS  := -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 -verbosity=0

$(FUZZ_BUILD)/src/%.o: translator/src/%.c
	@mkdir -p $(@D)
	$(call say,CC-FUZZ,$<)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_BUILD)/%.o: $(FUZZ_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC-FUZZ,$<)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZERS): %: %.o $(FUZZ_CODE)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -o $@ $^ $(TRANSLATOR_LIBS)

# What pytest runs for a few seconds.
run-tests test-unit: $(FUZZERS)

.PHONY: fuzz
fuzz: $(FUZZERS)
	@for name in elf emit; do \
	    mkdir -p $(FUZZ_BUILD)/found-$$name; \
	    echo "fuzz_$$name: $(FUZZ_SECONDS) s"; \
	    $(FUZZ_BUILD)/fuzz_$$name $(FUZZ_LIMITS) -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ_BUILD)/ \
	        $(FUZZ_BUILD)/found-$$name $(FUZZ_DIR)/corpus/$$name </dev/null || exit 1; \
	done

-include $(wildcard $(FUZZ_BUILD)/*.d $(FUZZ_BUILD)/src/*.d)
