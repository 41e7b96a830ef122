/* Integer names and the three kinds of address, as types that can't be mixed up. Builds
 * freestanding and on the host. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

typedef struct {
    u64 v;
} gpa_t; /* guest-physical */
typedef struct {
    u64 v;
} hpa_t; /* host-physical */
typedef struct {
    u64 v;
} gva_t; /* guest-virtual */

#define GPA(x) ((gpa_t){(u64)(x)})
#define HPA(x) ((hpa_t){(u64)(x)})
#define GVA(x) ((gva_t){(u64)(x)})

#define PAGE_SHIFT      12
#define PAGE_SIZE       4096ul
#define PAGE_MASK       (PAGE_SIZE - 1)
#define LARGE_PAGE_SIZE (2ul << 20)
#define LARGE_PAGE_MASK (LARGE_PAGE_SIZE - 1)

static inline u64 min_u64(u64 a, u64 b)
{
    return a < b ? a : b;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Negative errno values, as in the hypercall ABI. */
enum {
    HV_ENOENT = 2,
    HV_EFAULT = 14,
    HV_ENOMEM = 12,
    HV_EBUSY = 16,
    HV_EINVAL = 22,
    HV_ENOSYS = 38,
    HV_EOPNOTSUPP = 95,
    HV_EALREADY = 114,
    HV_EIO = 5
};

#endif
