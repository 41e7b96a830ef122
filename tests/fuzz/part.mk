# Fuzzers (libFuzzer): of kmv-translate one of whole files, one of single instructions; of the loader one of its
# configuration, the guest's kernel and the hypervisor's file. `make fuzz` runs each for
# FUZZ_SECONDS; what they find to be new stays in $(BUILD)/fuzz.

FUZZ_SECONDS ?= 600
FUZZ_DIR     := tests/fuzz
FUZZ_BUILD   := $(BUILD)/fuzz
FUZZ_CC      := clang
FUZZ_CFLAGS  := $(TRANSLATOR_CFLAGS) -O1 -fno-sanitize-recover=all -fsanitize=fuzzer,address,undefined
FUZZ_CODE    := $(TRANSLATOR_SOURCES:translator/src/%.c=$(FUZZ_BUILD)/src/%.o)
FUZZERS      := $(FUZZ_BUILD)/fuzz_elf $(FUZZ_BUILD)/fuzz_emit
FUZZ_LOADER  := $(FUZZ_BUILD)/fuzz_loader
FUZZ_LOADER_SOURCES := $(FUZZ_DIR)/fuzz_loader.c $(LOADER_PURE:%=uefi/%.c)
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

$(FUZZ_LOADER): $(FUZZ_LOADER_SOURCES) $(wildcard uefi/*.h hv/include/kmv/*.h translator/include/kmv/*.h)
	@mkdir -p $(@D)
	$(call say,CC-FUZZ,$@)
	$(Q)$(FUZZ_CC) -std=c11 $(CFLAGS) $(WARNINGS) -D_DEFAULT_SOURCE -Iuefi -Ihv/include -Itranslator/include -O1 -fno-sanitize-recover=all \
	    -fsanitize=fuzzer,address,undefined -o $@ $(FUZZ_LOADER_SOURCES)

# What pytest runs for a few seconds.
run-tests test-unit: $(FUZZERS) $(FUZZ_LOADER)

.PHONY: fuzz
fuzz: $(FUZZERS) $(FUZZ_LOADER)
	@for name in elf emit loader; do \
	    mkdir -p $(FUZZ_BUILD)/found-$$name; \
	    echo "fuzz_$$name: $(FUZZ_SECONDS) s"; \
	    $(FUZZ_BUILD)/fuzz_$$name $(FUZZ_LIMITS) -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ_BUILD)/ \
	        $(FUZZ_BUILD)/found-$$name $(FUZZ_DIR)/corpus/$$name </dev/null || exit 1; \
	done

-include $(wildcard $(FUZZ_BUILD)/*.d $(FUZZ_BUILD)/src/*.d)
