/* The state of x87, SSE and AVX: each process has its own. */
#ifndef FPU_H
#define FPU_H

#include <stdint.h>

struct proc;

/* Each processor, before anything else in it fills or copies memory. Enables what it has. */
void fpu_init(void);

/* Of the registers as they are now: into what the process goes on with, and back. */
void fpu_save(const struct proc *p);
void fpu_restore(const struct proc *p);

/* The state that a program starts with, into the registers. */
void fpu_reset(void);

/* Vector register 0, of kmv_vector_bytes: 32 or 64. */
void fpu_load_vector(const void *from);

/* Bytes of a vector register that are kept across interrupts and processes: 64, 32, or 0. The
 * translator's wide mirrors go by it (kmv/note.h). */
extern uint32_t kmv_vector_bytes;

#endif
