# kmv-verify: proves translated programs. Shares nothing with the translator but the note's layout.
KMV_VERIFY      := $(BUILD)/translator/kmv-verify
KMV_VERIFY_DIR  := $(BUILD)/translator/verify
KMV_VERIFY_OBJS := $(patsubst translator/verify/%.c,$(KMV_VERIFY_DIR)/%.o,$(wildcard translator/verify/*.c))

$(KMV_VERIFY_DIR)/%.o: translator/verify/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) -Ihv/include -MMD -MP -c -o $@ $<

$(KMV_VERIFY): $(KMV_VERIFY_OBJS)
	$(CC) $(CFLAGS) -o $@ $^ -lcapstone

-include $(KMV_VERIFY_OBJS:.o=.d)

ALL += $(KMV_VERIFY)

# The tests run the program on pairs of files that they assemble.
KMV_VERIFY_TESTS := $(patsubst tests/unit/verify/%.c,$(BUILD)/tests/unit/verify/%,$(wildcard tests/unit/verify/test_*.c))

$(BUILD)/tests/unit/verify/%: tests/unit/verify/%.c tests/unit/verify/pair.c tests/unit/verify/pair.h $(KMV_VERIFY)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) $(WARNINGS) -DKMV_BUILD='"$(BUILD)"' -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(KMV_VERIFY_TESTS)
