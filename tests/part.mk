# Runs the tests: UNIT_TESTS are programs that the parts list, the rest is pytest.

# Debian's interpreter: the one that has Debian's pytest.
TESTS_PYTHON := /usr/bin/python3
TESTS_RUN    := $(TESTS_PYTHON) tests/run.py --build $(BUILD)

include tests/unit/hv/part.mk
include tests/machine/hypervisor/part.mk
include tests/bench/part.mk

.PHONY: run-tests
run-tests: $(UNIT_TESTS) $(TB_BUILT)
	@$(TESTS_RUN) --pytest tests/unit --machine tests/machine $(UNIT_TESTS)

.PHONY: test-unit
test-unit: $(UNIT_TESTS) $(TB_BUILT)
	@$(TESTS_RUN) --pytest tests/unit $(UNIT_TESTS)

.PHONY: test-machine
test-machine: all
	@$(TESTS_RUN) --machine tests/machine

# The guest's whole test suite in every way it can be run, and its recovery from a cut-off after every single disk write.
.PHONY: test-guest
test-guest: all
	KMV_LONG=1 KMV_CRASH_STEP=1 $(TESTS_RUN) --machine tests/machine/test_usertests.py --machine tests/machine/test_losses.py --machine tests/machine/test_disk_crash.py

# Hostile guests on four models of processors, each attempt that ends a guest in a boot of its own; each kind of failure dump.
.PHONY: attack
attack: all
	KMV_LONG=1 $(TESTS_RUN) --machine tests/machine/test_attack.py --machine tests/machine/test_faults.py

FUZZ_CALLS ?= 1000000
FUZZ_SEED  ?= 1
.PHONY: fuzz-hypercalls
fuzz-hypercalls: all
	KMV_BUILD=$(BUILD) KMV_FUZZ_CALLS=$(FUZZ_CALLS) KMV_FUZZ_SEED=$(FUZZ_SEED) \
	    $(TESTS_PYTHON) -m pytest -q tests/machine/test_attack.py -k hypercalls

# Thousands of pages go bad at random instants while the guest's tests run; a seed repeats exactly.
N    ?= 10000
SEED ?= 1
SMP  ?= 1
.PHONY: campaign
campaign: all
	@$(TESTS_PYTHON) tests/campaign/campaign.py --build $(BUILD) --faults $(N) --seed $(SEED) --smp $(SMP) --told

# What the mirror costs.
.PHONY: bench
bench: all $(TB_BUILT)
	@$(TESTS_PYTHON) tests/bench/overhead.py --build $(BUILD)
	@echo
	@$(TESTS_PYTHON) tests/bench/host.py --build $(BUILD)

# Static checks. Sources are what git knows and what it does not ignore, so that a new file is never left out.
tests_sources = $(wildcard $(shell git ls-files --cached --others --exclude-standard $(1)))
TESTS_C_FILES      = $(call tests_sources,'*.c' '*.h')
TESTS_PYTHON_FILES = $(call tests_sources,'*.py' scripts/kmv scripts/trim-firmware)

.PHONY: check
check: check-format check-cppcheck check-tidy check-scripts check-compilers check-stats

.PHONY: check-format
check-format:
	$(call say,CHECK,layout)
	$(Q)clang-format --dry-run -Werror $(TESTS_C_FILES)

# comparePointers: tables that a linker script bounds are walked between two symbols.
.PHONY: check-cppcheck
check-cppcheck:
	$(call say,CHECK,cppcheck)
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c --enable=warning \
	    --suppress=missingIncludeSystem --suppress=comparePointers -Ihv/include -Itranslator/include $(HVTESTED_INCLUDE) -I. $(filter %.c,$(TESTS_C_FILES))

# .clang-tidy tells which checks; in the loader the analyser loses track of what memcpy and firmware calls fill.
TESTS_TIDY         := clang-tidy --quiet
TESTS_TIDY_LOADER  := --checks=-clang-analyzer-core.UndefinedBinaryOperatorResult,-clang-analyzer-core.CallAndMessage
TESTS_TIDY_INCLUDE := -Iuefi -Ihv/include -Itranslator/include -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

.PHONY: check-tidy
check-tidy:
	$(call say,CHECK,clang-tidy)
	$(Q)$(TESTS_TIDY) $(HV_C) $(HVTESTED_C) -- -std=gnu11 -I. -Ihv/include $(HVTESTED_INCLUDE) -ffreestanding -mgeneral-regs-only 2>/dev/null
	$(Q)$(TESTS_TIDY) $(TESTS_TIDY_LOADER) $(patsubst %,uefi/%.c,$(LOADER_PURE) $(LOADER_EFI)) -- -std=c11 -ffreestanding \
	    -fshort-wchar -DGNU_EFI_USE_MS_ABI $(TESTS_TIDY_INCLUDE) 2>/dev/null

# Compiled only: a file that no test imports must be free of syntax errors, too.
.PHONY: check-scripts
check-scripts:
	$(call say,CHECK,scripts)
	$(Q)PYTHONPYCACHEPREFIX=$(BUILD)/check-python $(TESTS_PYTHON) -m py_compile $(TESTS_PYTHON_FILES)
	$(Q)bash -n scripts/setup

# How large the hypervisor is; fails above its limits.
.PHONY: stats
stats:
	@$(TESTS_PYTHON) tests/check/stats.py hv

.PHONY: check-stats
check-stats:
	$(call say,CHECK,size)
	$(Q)$(TESTS_PYTHON) tests/check/stats.py hv >/dev/null

# Both compilers, each with every warning an error.
.PHONY: check-compilers
check-compilers:
	$(call say,CHECK,compilers)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/check-gcc CC=gcc all </dev/null
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/check-clang CC=clang all </dev/null
