# kmv-translate, the static binary translator, and (from verify/part.mk) kmv-verify, which checks its output.

TRANSLATOR_BUILD  := $(BUILD)/translator
TRANSLATOR_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) -Itranslator/src -Itranslator/include -Ihv/include
TRANSLATOR_LIBS   := -lZydis

# All but main.c: what the unit tests link as well.
TRANSLATOR_SOURCES := $(filter-out translator/src/main.c,$(wildcard translator/src/*.c))
TRANSLATOR_OBJECTS := $(TRANSLATOR_SOURCES:translator/src/%.c=$(TRANSLATOR_BUILD)/%.o)
TRANSLATOR         := $(TRANSLATOR_BUILD)/kmv-translate

ALL += $(TRANSLATOR)

$(TRANSLATOR_BUILD)/%.o: translator/src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TRANSLATOR_CFLAGS) -MMD -MP -c -o $@ $<

$(TRANSLATOR): $(TRANSLATOR_BUILD)/main.o $(TRANSLATOR_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(TRANSLATOR_LIBS)

-include $(wildcard $(TRANSLATOR_BUILD)/*.d)

include $(wildcard translator/verify/part.mk tests/unit/translator/part.mk tests/fuzz/part.mk)
