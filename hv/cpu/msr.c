#include <hv/cpu/extable.h>
#include <hv/cpu/msr.h>

bool msr_try_read(u32 msr, u64 *value)
{
    u32 low = 0, high = 0;

    __asm__ volatile("1: rdmsr\n2:\n" EXTABLE("1b", "2b") : "+a"(low), "+d"(high) : "c"(msr));
    *value = (u64)high << 32 | low;
    return !extable_take(EXTABLE_FAULT);
}

bool msr_try_write(u32 msr, u64 value)
{
    __asm__ volatile("1: wrmsr\n2:\n" EXTABLE("1b", "2b")
                     :
                     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
                     : "memory");
    return !extable_take(EXTABLE_FAULT);
}

bool xcr_try_write(u32 index, u64 value)
{
    __asm__ volatile("1: xsetbv\n2:\n" EXTABLE("1b", "2b")
                     :
                     : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
                     : "memory");
    return !extable_take(EXTABLE_FAULT);
}
