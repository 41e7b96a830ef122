# kmemvisor: builds everything into build/. Each part adds its targets through a fragment beside its sources.
# Targets for people: make run, make test; `make help` lists all.

BUILD  ?= build
OFFSET ?= 38000000

CC       ?= gcc
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef

.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

PARTS := uefi hv guest-xv6 translator tests
include $(wildcard $(addsuffix /part.mk,$(PARTS)))

.PHONY: all
all: $(ALL)

.PHONY: clean
clean:
	rm -rf $(BUILD)
