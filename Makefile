# kmemvisor: builds everything into build/. Each part adds its targets through a fragment beside its sources.
# Targets for people: make run, make test; `make help` lists all.

BUILD  ?= build
OFFSET ?= 38000000

# make itself predefines CC, so `?=` would not take effect.
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef

# Recipes print a line a step, $(call say,WHAT,FILE), and hide the command behind $(Q); V=1 shows commands instead.
ifeq ($(V),1)
Q   :=
say  =
else
Q   := @
say  = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,$(info $()  $(1)  $(2)))
endif

.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

PARTS := uefi hv guest-xv6 translator tests
include $(wildcard $(addsuffix /part.mk,$(PARTS)))

.PHONY: all
all: $(ALL)

# Runs the guest; ARGS are options of `scripts/kmv run`. Standard input is the guest's alone.
.PHONY: run
run: setup
	@$(MAKE) --no-print-directory all >&2 </dev/null
	@scripts/kmv run --build $(BUILD) --offset $(OFFSET) $(ARGS)

# Pages of every kind go bad between programs that would notice; a comparison of all pages and a page of charts close it.
.PHONY: demo
demo: setup
	@$(MAKE) --no-print-directory all >&2 </dev/null
	@scripts/kmv demo --build $(BUILD) --offset $(OFFSET)

# Packages first, then everything else: what make knows of the system may change in between.
.PHONY: test
test: setup
	@$(MAKE) --no-print-directory all </dev/null
	@$(MAKE) --no-print-directory check </dev/null
	@$(MAKE) --no-print-directory run-tests </dev/null

.PHONY: setup
setup:
	@scripts/setup --check >/dev/null 2>&1 </dev/null || scripts/setup

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@echo 'make               build everything into $(BUILD)/'
	@echo 'make run           boot the translated guest; ARGS="..." are options of scripts/kmv run'
	@echo 'make demo          run programs while pages go bad, compare all copies, make a page of charts'
	@echo 'make test          every test; the last line counts passed and failed'
	@echo 'make test-unit     the tests that need no machine'
	@echo 'make test-machine  the tests that boot machines'
	@echo 'make mutants       leave out the mirrors of each class of writers: every mutant must be noticed'
	@echo 'make csmith        compare 200 generated programs with their translations'
	@echo 'make fuzz          fuzz translator and loader, FUZZ_SECONDS=600 for each of three fuzzers'
	@echo 'make campaign      N=10000 pages go bad at random instants, SEED=1 names the run; SMP=1 processors'
	@echo 'make attack        hostile guests on four models of processors'
	@echo 'make fuzz-hypercalls  FUZZ_CALLS=1000000 hypercalls with hostile arguments'
	@echo 'make bench         what hypervisor and mirror cost, in instructions on Bochs; writes $(BUILD)/bench/overhead.csv'
	@echo 'make bench-host    what translation costs on this processor, in time; writes $(BUILD)/bench/host.csv'
	@echo 'make bench-translator  speed and memory of the translator'
	@echo 'make check         layout and static checks of the sources'
	@echo 'make stats         size of the hypervisor and of its functions; fails above the limits'
	@echo 'make setup         install missing packages'
	@echo 'make clean         remove $(BUILD)/'
	@echo 'Variables: BUILD=build, OFFSET=38000000 (hexadecimal), CC=gcc, V=1 (shows commands)'
