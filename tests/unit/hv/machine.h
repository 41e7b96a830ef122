/*
 * A machine for tests of the hypervisor's memory core: physical memory, a CPU with 32-bit paging,
 * EPT and stale caches, and the exit handling around it. The CPU keeps every translation until it
 * is told to drop it, so that a flush that is owed and missing shows as a use of old memory.
 */
#ifndef TESTS_HV_MACHINE_H
#define TESTS_HV_MACHINE_H

#include <hv/types.h>
#include <hv/vm/guestmem.h>
#include <hv/vm/vm.h>
#include <kmv/contract.h>

#define MIB (1ull << 20)

struct machine_config {
    u64 ram_bytes, heap_bytes, spare_bytes;
    u32 offset;
    bool mirrored;
    u32 order;     /* of the blocks in memory, of 5! */
    u64 gap_bytes; /* between them */
};

extern const struct machine_config machine_default; /* 8 MiB RAM, 4 MiB heap, 256 KiB spare */

/* Set by machine_start; the guest is on no page directory yet. */
extern struct vm vm;
extern struct kmv_bootinfo boot;
extern u32 real_cr3;

void machine_start(const struct machine_config *config);
void machine_stop(void);

/* Processors of the machine; the first one runs until another is named. Each keeps what it has
 * cached until it is told to drop it, whatever the others do. */
enum { MACHINE_CPUS = 3 };
void machine_on_cpu(u32 index);

/* The guest turns paging off there. */
void machine_unload(void);

/* How often the others had to be stopped outside their windows, and were. */
extern unsigned machine_stops;

/* cmocka fixtures: the default machine for one test. */
int machine_setup(void **state);
int machine_teardown(void **state);

/* Words that tell where they stand. */
#define MACHINE_WORD(i) (0xc0ffee00u + (u32)(i))
void machine_fill(u8 *ram, u64 bytes);

/* Fills RAM before vm_init copies it; NULL: zeroes. */
void machine_start_with(const struct machine_config *config, void (*fill)(u8 *ram, u64 bytes));

/* What the recorder of entry stores calls after each 64-bit store; NULL: nothing. */
extern void (*machine_after_store64)(const u64 *entry, u64 old, u64 value);

/* Stores to tables are done by mirror_table_store where it does them; how many were. */
extern bool machine_does_stores;
extern unsigned machine_stores_done;

enum access_outcome { ACCESS_OK, ACCESS_FAULT, ACCESS_STOPPED };

struct access {
    u32 address;
    bool write, user;
};

struct outcome {
    enum access_outcome kind;
    hpa_t hpa;      /* OK: where it went */
    u32 error_code; /* FAULT: the page fault that the guest gets */
};

/* One access through the guest's paging, with all exits handled as hv/exit does. Fails the test
 * when it never ends. */
struct outcome machine_access(struct access access);

/* Exits of the guest. */
enum mirror_load_result machine_load_cr3(u32 guest_cr3);
enum mirror_load_result machine_invlpg(u32 address);

/* A translated kernel's access to guest-physical memory: native, then mirror. False: stopped (page
 * lost). */
bool guest_store(u32 gpa, u32 value);
u32 guest_load(u32 gpa);
void guest_fill(u32 page, u32 value);
/* The native half of guest_store alone. */
bool guest_store_native(u32 gpa, u32 value);

/* Independent walk of the EPT in memory. 0 where nothing is mapped; the raw leaf entry with the
 * page's own frame otherwise. */
u64 machine_ept_leaf(u64 gpa);
#define LEAF_PERMS(leaf) ((u32)((leaf)&7))
#define LEAF_HPA(leaf)   ((leaf)&0x000ffffffffff000ull)

/* An entry of the table at guest-physical `table` as it is in memory, without a look at caches; 0
 * where nothing is mapped. */
u32 machine_raw_entry(u32 table, u32 index);

/* Fails unless real_cr3 maps exactly what the address contract wants for the page directory
 * guest_cr3: each native translation, for each of them the mirror's with the same rights, and
 * nothing else; and unless every table it reaches is write-protected. To be called after a flush
 * point. */
void check_shadow(u32 guest_cr3);

/* Bytes of physical memory. */
void *machine_memory(u64 hpa);

/* No translation in the CPU's caches contradicts EPT. Called after each exit. */
void machine_check_ept_caches(void);
/* No cached translation of a mirror address contradicts the tables. Called after each flush point.
 */
void machine_check_mirror_tlb(void);

/* The how manieth question for a machine check is answered with true; 0: none. Who reads asks
 * before and after. */
extern u32 machine_check_in;

/* Flushes seen so far. */
struct flush_counts {
    unsigned ept, address, guest;
};
extern struct flush_counts flushes;

/* The log: how many events of this name, and the last one's text. */
unsigned log_count(const char *event);
const char *log_last(const char *event);
void log_forget(void);

#endif
