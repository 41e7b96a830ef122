/* The kernel's accesses to memory of programs. Any of it may be lost at any moment. Also read by
 * the assembler. */
#ifndef USERCOPY_H
#define USERCOPY_H

#define GUARD 0 /* struct proc, `guard` */

#define USER_PIECE 512

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct trapframe;

/* Copies at most a page; one side is memory of a program at checked addresses, or its page at the
 * kernel's. false: a page of it is lost or not there; `to` is then filled with zeros, and the
 * program's owner is killed before it goes on. */
bool user_copy(void *to, const void *from, uint32_t bytes);

/* Room for USER_PIECE bytes, the current process's own: what has to be whole before any of it is
 * used goes there first. */
char *user_bounce(void);

/* Fills a page with a byte; a lost page is a fresh one then. false: it stays lost. Also at boot. */
bool page_fill(void *page, uint8_t byte);

/* Was the kernel, in the trap, in a routine that can fail? *overwrites: in one that doesn't care
 * what was in the page. guard_fail makes it fail. */
bool guard_holds(const struct trapframe *tf, bool *overwrites);
void guard_fail(const struct trapframe *tf) __attribute__((noreturn));
#endif

#endif
