/* The MP tables: processors and APICs of the machine. */
#ifndef MP_H
#define MP_H

/* Fills cpus[], cpu_count and the APICs' addresses. Without tables: one processor, APICs at their
 * usual places. */
void mp_init(void);

#endif
