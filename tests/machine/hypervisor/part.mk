# The hypervisor that machines of tests run where pages have to go bad at named instants, or the hypervisor has to break:
# the product's own objects, and hooks around entry and exit.

HVTESTED_OUT := $(HV_OUT)/test
HVTESTED_C   := $(wildcard tests/machine/hypervisor/*.c)
HVTESTED_OBJ := $(HVTESTED_C:tests/machine/hypervisor/%.c=$(HVTESTED_OUT)/%.o)
HVTESTED     := $(HV_OUT)/hv-test.elf

HVTESTED_INCLUDE := -Itests/machine/hypervisor/include # what a guest orders with

ALL += $(HVTESTED)

$(HVTESTED): $(HV_OBJ) $(HVTESTED_OBJ) hv/boot/hv.lds
	$(call say,LD,$@)
	$(Q)$(CC) $(HV_LDFLAGS) -o $@ $(HV_OBJ) $(HVTESTED_OBJ)

$(HVTESTED_OUT)/%.o: tests/machine/hypervisor/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(HV_CFLAGS) $(HVTESTED_INCLUDE) -MMD -MP -c -o $@ $<

-include $(HVTESTED_OBJ:.o=.d)
