/* Port I/O. */
#ifndef HV_CPU_IO_H
#define HV_CPU_IO_H

#include <hv/types.h>

/* out##suffix(port, value) and in##suffix(port). */
#define DEFINE_PORT_ACCESS(suffix, type)                                                           \
    static inline void out##suffix(u16 port, type value)                                           \
    {                                                                                              \
        __asm__ volatile("out" #suffix " %0, %1" : : "a"(value), "Nd"(port));                      \
    }                                                                                              \
    static inline type in##suffix(u16 port)                                                        \
    {                                                                                              \
        type value;                                                                                \
        __asm__ volatile("in" #suffix " %1, %0" : "=a"(value) : "Nd"(port));                       \
        return value;                                                                              \
    }

DEFINE_PORT_ACCESS(b, u8)
DEFINE_PORT_ACCESS(w, u16)
DEFINE_PORT_ACCESS(l, u32)

/* One instruction, and so one VM exit where the port is emulated. */
static inline void outsb(u16 port, const void *bytes, size_t count)
{
    __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(port) : "memory");
}

#endif
