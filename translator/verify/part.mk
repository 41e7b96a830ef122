# kmv-verify: proves translated programs. Shares nothing with the translator but the note's layout.
KMV_VERIFY       := $(BUILD)/translator/kmv-verify
KMV_VERIFY_DIR   := $(BUILD)/translator/verify
KMV_VERIFY_SRCS  := $(wildcard translator/verify/*.c)
KMV_VERIFY_OBJS  := $(KMV_VERIFY_SRCS:translator/verify/%.c=$(KMV_VERIFY_DIR)/%.o)
KMV_VERIFY_FLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L $(CFLAGS) $(WARNINGS) -Itranslator/include -Ihv/include -MMD -MP

$(KMV_VERIFY_DIR)/%.o: translator/verify/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(KMV_VERIFY_FLAGS) -c -o $@ $<

$(KMV_VERIFY): $(KMV_VERIFY_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -lcapstone

ALL += $(KMV_VERIFY)

# The tests run the program on pairs of files that they assemble; on damaged files, its build with the sanitizers.
KMV_VERIFY_TESTS := $(addprefix $(BUILD)/tests/unit/verify/test_,writers programs hostile translated)
KMV_VERIFY_PAIR  := tests/unit/verify/pair.c
KMV_VERIFY_ASAN  := $(BUILD)/tests/unit/verify/kmv-verify-asan
KMV_VERIFY_ASAN_OBJS := $(KMV_VERIFY_SRCS:translator/verify/%.c=$(KMV_VERIFY_DIR)/asan/%.o)

$(KMV_VERIFY_DIR)/asan/%.o: translator/verify/%.c
	@mkdir -p $(@D)
	$(call say,CC-TEST,$<)
	$(Q)$(CC) $(KMV_VERIFY_FLAGS) -fsanitize=address,undefined -c -o $@ $<

$(KMV_VERIFY_ASAN): $(KMV_VERIFY_ASAN_OBJS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -fsanitize=address,undefined -o $@ $^ -lcapstone

$(BUILD)/tests/unit/verify/test_hostile: KMV_VERIFY_TESTED := $(KMV_VERIFY_ASAN)
$(BUILD)/tests/unit/verify/test_hostile: $(KMV_VERIFY_ASAN)
$(BUILD)/tests/unit/verify/test_translated: $(BUILD)/translator/kmv-translate
$(BUILD)/tests/unit/verify/test_%: tests/unit/verify/test_%.c $(KMV_VERIFY_PAIR) $(KMV_VERIFY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(KMV_VERIFY_FLAGS) -DTEST_FOLDER='"$@.files"' \
	    -DKMV_VERIFY='"$(or $(KMV_VERIFY_TESTED),$(KMV_VERIFY))"' \
	    -DKMV_TRANSLATE='"$(BUILD)/translator/kmv-translate"' \
	    -o $@ $< $(KMV_VERIFY_PAIR) -lcmocka

-include $(KMV_VERIFY_OBJS:.o=.d) $(KMV_VERIFY_ASAN_OBJS:.o=.d) $(addsuffix .d,$(KMV_VERIFY_TESTS))

UNIT_TESTS += $(KMV_VERIFY_TESTS)
