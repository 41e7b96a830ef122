#include <hv/cpu/apic.h>

#include <hv/cpu/io.h>
#include <hv/cpu/msr.h>
#include <hv/cpu/processor.h>

#define COMMAND_PENDING (1u << 12)
#define PORT_DELAY      0x80

static void wait_until_sent(void)
{
    while (*apic_register(APIC_COMMAND_LOW) & COMMAND_PENDING)
        processor_pause();
}

void apic_send(u32 apic_id, u32 command)
{
    u32 high;

    if (msr_read(MSR_APIC_BASE) & APIC_BASE_X2APIC) {
        msr_write(MSR_X2APIC_COMMAND, (u64)apic_id << 32 | command);
        return;
    }
    wait_until_sent();
    high = *apic_register(APIC_COMMAND_HIGH);
    *apic_register(APIC_COMMAND_HIGH) = apic_id << 24;
    *apic_register(APIC_COMMAND_LOW) = command;
    wait_until_sent();
    *apic_register(APIC_COMMAND_HIGH) = high;
}

void apic_delay(u32 microseconds)
{
    while (microseconds-- > 0)
        outb(PORT_DELAY, 0);
}
