/* User memory: page directories, their pages, and checks of addresses that programs hand over. */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stdint.h>

/* A page directory without user pages; NULL: out of memory. */
uint32_t *vm_new(void);

/* Gives back a page directory with all its tables and pages. No processor may have it loaded. */
void vm_free(uint32_t *pgdir);

/* A copy of the first `size` bytes, for fork; NULL: out of memory. */
uint32_t *vm_copy(uint32_t *pgdir, uint32_t size);

/* Adds zeroed pages so that a process of `size` bytes has `new_size`. false: too large or out of
 * memory; then nothing has changed, but the processor may have cached what was there for a moment:
 * the caller flushes. */
bool vm_grow(uint32_t *pgdir, uint32_t size, uint32_t new_size);

/* Takes away the pages between new_size and size. The caller flushes what the TLB has of them. */
void vm_shrink(uint32_t *pgdir, uint32_t size, uint32_t new_size);

/* Forgets cached translations of this process's user pages on this processor. */
void vm_flush(void);

/* Makes the page at va inaccessible to the program: a guard. */
void vm_guard(uint32_t *pgdir, uint32_t va);

/* The physical address of the page at va that the program, or the kernel in its place, may write
 * to; 0: there is none. */
uint32_t vm_writable_page(uint32_t *pgdir, uint32_t va);

/* Takes the right to write to the pages in [from, to) from the program. The caller flushes. */
void vm_freeze(uint32_t *pgdir, uint32_t from, uint32_t to);

/* The kernel's address of the user page that holds va; NULL when the program can't access it. */
void *vm_page(uint32_t *pgdir, uint32_t va);

/* Copies into user memory of any page directory. false: a page is missing. */
bool vm_copyout(uint32_t *pgdir, uint32_t va, const void *from, uint32_t bytes);

/* May the current process access all of [va, va + bytes)? Then the kernel may, through the same
 * addresses, with user_copy. */
bool user_range_ok(uint32_t va, uint32_t bytes);

/* Length of the string at va, or -1 when it leaves the current process's memory. */
int user_string_length(uint32_t va);

#endif
