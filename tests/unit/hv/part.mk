# Unit tests of the hypervisor's memory core, on the host.

HVTEST_OUT    := $(BUILD)/tests/hv
HVTEST_NAMES  := frames ept string vm linear screen isolation check mirror mirror_limits store model recovery scrub machine_check
HVTEST_CORE   := $(wildcard hv/mirror/*.c hv/recovery/*.c hv/vm/*.c) hv/mm/ept.c hv/mm/frames.c \
                 hv/exit/decode.c hv/cpu/mce.c hv/log/format.c
HVTEST_SHARED := $(HVTEST_CORE:%.c=$(HVTEST_OUT)/%.o) \
                 $(patsubst %,$(HVTEST_OUT)/tests/unit/hv/%.o,memory cpu checker)
HVTEST_CFLAGS := $(CFLAGS) $(WARNINGS) -std=gnu11 -I. -Ihv/include -fsanitize=address,undefined \
                 -fno-sanitize-recover=all -fno-omit-frame-pointer
HVTEST_BINS   := $(HVTEST_NAMES:%=$(HVTEST_OUT)/test_%)

UNIT_TESTS += $(HVTEST_BINS)

$(HVTEST_BINS): $(HVTEST_OUT)/test_%: $(HVTEST_OUT)/tests/unit/hv/test_%.o $(HVTEST_SHARED)
	$(call say,LD,$@)
	$(Q)$(CC) $(HVTEST_CFLAGS) -o $@ $^ -lcmocka

$(HVTEST_OUT)/test_check: $(HVTEST_OUT)/hv/vmx/check.o
$(HVTEST_OUT)/test_screen: $(HVTEST_OUT)/hv/platform/screen.o

# Its functions get other names, so that they stand beside libc's.
$(HVTEST_OUT)/test_string: $(HVTEST_OUT)/hv/lib/string.o
$(HVTEST_OUT)/hv/lib/string.o $(HVTEST_OUT)/tests/unit/hv/test_string.o: HVTEST_CFLAGS += \
  -fno-builtin $(foreach name,memcpy memset memcmp strlen,-D$(name)=hv_$(name))

$(HVTEST_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(HVTEST_CFLAGS) -MMD -MP -c -o $@ $<

-include $(HVTEST_SHARED:.o=.d) $(HVTEST_NAMES:%=$(HVTEST_OUT)/tests/unit/hv/test_%.d)
