/* Formatted output and panic. */
#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "hypervisor.h"
#include "kalloc.h"
#include "memlayout.h"
#include "spinlock.h"
#include "trap.h"
#include "uart.h"
#include "x86.h"

#define STOP_STATUS 255
#define TRACE_DEPTH 20
#define WRITE_PIECE 16 /* bytes written with interrupts off: the port's FIFO holds as many */

static struct spinlock print_lock = {.name = "print"};

/* The processor that stops the machine. From then on output goes without the lock, whoever has it.
 */
static struct cpu *volatile stopping;

static void print_string(const char *text)
{
    for (; *text != '\0'; text++)
        uart_put(*text);
}

static void print_number(uint32_t value, uint32_t base)
{
    char digits[11];
    char *at = digits + sizeof(digits);

    *--at = '\0';
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    print_string(at);
}

static void print_signed(int value)
{
    if (value < 0)
        uart_put('-');
    print_number(value < 0 ? -(uint32_t)value : (uint32_t)value, 10);
}

/* Prints one conversion; takes its argument from *args. */
static void print_conversion(char conversion, va_list *args)
{
    switch (conversion) {
    case 'd':
        print_signed(va_arg(*args, int));
        break;
    case 'u':
        print_number(va_arg(*args, uint32_t), 10);
        break;
    case 'p':
        print_string("0x"); /* fall through */
    case 'x':
        print_number(va_arg(*args, uint32_t), 16);
        break;
    case 'c':
        uart_put((char)va_arg(*args, int));
        break;
    case 's':
        print_string(va_arg(*args, const char *));
        break;
    default:
        uart_put(conversion);
        break;
    }
}

static void vprint(const char *format, va_list *args)
{
    for (; *format != '\0'; format++) {
        if (*format != '%' || format[1] == '\0')
            uart_put(*format);
        else
            print_conversion(*++format, args);
    }
}

void kprintf(const char *format, ...)
{
    va_list args;
    bool locked = stopping == NULL;

    if (locked)
        spin_lock(&print_lock);
    va_start(args, format);
    vprint(format, &args);
    va_end(args);
    if (locked)
        spin_unlock(&print_lock);
}

void kwrite(const char *from, int bytes)
{
    while (bytes > 0) {
        spin_lock(&print_lock);
        for (int i = 0; i < WRITE_PIECE && bytes > 0; i++, bytes--)
            uart_put(*from++);
        spin_unlock(&print_lock);
    }
}

/* Prints return addresses, innermost first, along the chain of frame pointers: [ebp] is the
 * caller's ebp, [ebp+4] the return address. The chain ends at 0
 * (entry.S) or outside kernel memory. */
static void print_trace(uint32_t eip, const uint32_t *ebp)
{
    kprintf("stack trace:");
    for (int depth = 0; depth < TRACE_DEPTH; depth++) {
        kprintf(" 0x%x", eip);
        if ((uint32_t)ebp < KERNBASE || V2P(ebp) >= pages_watermark())
            break;
        eip = ebp[1];
        ebp = (const uint32_t *)ebp[0];
    }
    kprintf("\n");
}

static void __attribute__((noreturn)) stop_end(void)
{
    machine_poweroff(STOP_STATUS);
}

static void stop_begin(const char *kind)
{
    cli();
    if (stopping == cpu_self()) /* its report has failed */
        stop_end();
    while (stopping != NULL)
        __asm__ volatile("hlt");
    stopping = cpu_self();
    kprintf("%s: cpu %d: ", kind, (int)(cpu_self() - cpus));
}

void fatal(const char *format, ...)
{
    va_list args;

    stop_begin("fatal");
    va_start(args, format);
    vprint(format, &args);
    va_end(args);
    uart_put('\n');
    stop_end();
}

void panic(const char *format, ...)
{
    va_list args;

    stop_begin("panic");
    va_start(args, format);
    vprint(format, &args);
    va_end(args);
    uart_put('\n');
    print_trace((uint32_t)__builtin_return_address(0), *(uint32_t **)__builtin_frame_address(0));
    stop_end();
}

void panic_trap(const struct trapframe *tf)
{
    stop_begin("panic");
    kprintf("kernel trap %u err 0x%x eip 0x%x cr2 0x%x\n", tf->vector, tf->err, tf->eip,
            read_cr2());
    kprintf("eax 0x%x ebx 0x%x ecx 0x%x edx 0x%x esi 0x%x edi 0x%x ebp 0x%x eflags 0x%x\n", tf->eax,
            tf->ebx, tf->ecx, tf->edx, tf->esi, tf->edi, tf->ebp, tf->eflags);
    print_trace(tf->eip, (const uint32_t *)tf->ebp);
    stop_end();
}
