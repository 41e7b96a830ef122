/* SDM volume 3, chapter 11. */
#include "lapic.h"

#include "memlayout.h"
#include "param.h"
#include "trap.h"
#include "x86.h"

enum {
    ID = 0x020,
    TASK_PRIORITY = 0x080,
    EOI = 0x0B0,
    SPURIOUS = 0x0F0,
    ERROR_STATUS = 0x280,
    COMMAND_LOW = 0x300,
    COMMAND_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    TIMER_INITIAL = 0x380,
    TIMER_CURRENT = 0x390,
    TIMER_DIVIDE = 0x3E0,
};

#define SPURIOUS_ENABLE 0x100
#define LVT_MASKED      0x10000
#define TIMER_PERIODIC  0x20000
#define DIVIDE_BY_16    0x3

#define COMMAND_INIT    0x500
#define COMMAND_STARTUP 0x600
#define COMMAND_ASSERT  0x4000
#define COMMAND_LEVEL   0x8000
#define COMMAND_PENDING 0x1000

#define PIT_HZ          1193182u
#define PIT_CHANNEL_2   0x42
#define PIT_MODE        0x43
#define PIT_GATE        0x61
#define PIT_CH2_ONESHOT 0xB0 /* channel 2, low then high byte, mode 0: output rises at the end */
#define GATE_ON         0x01
#define GATE_SPEAKER    0x02
#define GATE_OUTPUT     0x20

#define CPUID_ECX_X2APIC (1u << 21)
#define MSR_APIC_BASE    0x1B
#define APIC_BASE_X2APIC 0x400
#define MSR_X2APIC       0x800 /* one for each 16 bytes of the registers in memory */

static volatile uint32_t *registers = (volatile uint32_t *)0xFEE00000;
static bool x2apic;
static uint32_t counts_per_tick;

void lapic_set_base(uint32_t base)
{
    registers = (volatile uint32_t *)base;
}

static uint32_t get(int index)
{
    return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + index / 16) : registers[index / 4];
}

static void set(int index, uint32_t value)
{
    if (x2apic)
        wrmsr(MSR_X2APIC + index / 16, value);
    else
        registers[index / 4] = value;
}

bool lapic_use_x2apic(void)
{
    x2apic = (cpuid(1).ecx & CPUID_ECX_X2APIC) != 0;
    return x2apic;
}

uint8_t lapic_id(void)
{
    return (uint8_t)(get(ID) >> 24);
}

void lapic_eoi(void)
{
    set(EOI, 0);
}

/* Starts channel 2 of the interval timer for `microseconds` (at most 50,000); pit_done tells of the
 * end. */
static void pit_start(uint32_t microseconds)
{
    uint32_t counts = PIT_HZ / 1000 * microseconds / 1000;

    outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~GATE_SPEAKER) | GATE_ON));
    outb(PIT_MODE, PIT_CH2_ONESHOT);
    outb(PIT_CHANNEL_2, (uint8_t)counts);
    outb(PIT_CHANNEL_2, (uint8_t)(counts >> 8));
}

static bool pit_done(void)
{
    return (inb(PIT_GATE) & GATE_OUTPUT) != 0;
}

static void delay(uint32_t microseconds)
{
    pit_start(microseconds);
    while (!pit_done())
        cpu_relax();
}

/* The timer's counts in a tick, by the interval timer. */
static uint32_t measure_tick(void)
{
    set(LVT_TIMER, LVT_MASKED);
    set(TIMER_INITIAL, 0xFFFFFFFF);
    delay(1000000 / HZ);
    return 0xFFFFFFFF - get(TIMER_CURRENT);
}

void lapic_init(void)
{
    if (x2apic)
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
    set(SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    set(LVT_LINT0, LVT_MASKED);
    set(LVT_LINT1, LVT_MASKED);
    set(LVT_ERROR, VECTOR_APIC_ERROR);
    set(ERROR_STATUS, 0);
    set(TIMER_DIVIDE, DIVIDE_BY_16);
    if (counts_per_tick == 0)
        counts_per_tick = measure_tick();
    set(LVT_TIMER, TIMER_PERIODIC | VECTOR_TIMER);
    set(TIMER_INITIAL, counts_per_tick);
    set(TASK_PRIORITY, 0);
    lapic_eoi();
}

static void send_command(uint8_t id, uint32_t command)
{
    if (x2apic) {
        wrmsr(MSR_X2APIC + COMMAND_LOW / 16, (uint64_t)id << 32 | command);
        return;
    }
    set(COMMAND_HIGH, (uint32_t)id << 24);
    set(COMMAND_LOW, command);
    while (get(COMMAND_LOW) & COMMAND_PENDING)
        cpu_relax();
}

/* The universal start-up algorithm (Intel MultiProcessor Specification 1.4, appendix B.4). */
void lapic_start(uint8_t id)
{
    send_command(id, COMMAND_INIT | COMMAND_LEVEL | COMMAND_ASSERT);
    delay(200);
    send_command(id, COMMAND_INIT | COMMAND_LEVEL);
    delay(10000);
    for (int i = 0; i < 2; i++) {
        send_command(id, COMMAND_STARTUP | AP_START >> 12);
        delay(200);
    }
}
