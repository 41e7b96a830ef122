/* The CPU: 32-bit paging over EPT, with caches that stay stale until flushed. SDM vol.
 * 3A 4.3, 4.10; vol. 3C 29.3, 29.4. */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>
#include <hv/mm/tlb.h>
#include <hv/recovery/recovery.h>
#include <string.h>

#define PAGES        (1u << 20)
#define EXITS_MAX    32
#define LARGE_LEAF   (1ull << 7)
#define LEVELS       4
#define INDEX_BITS   9
#define PAGE_OF(gpa) ((u32)((gpa) >> PAGE_SHIFT))

/* A cached translation: of a guest-physical page, of a linear page, or (by slot) of a
 * page-directory entry to its table. */
struct cached {
    bool valid, listed;
    u32 gpa; /* what it leads to */
    u64 hpa;
    u32 perms;  /* of EPT */
    u32 rights; /* of paging: PG_WRITE, PG_USER, PG_GLOBAL, PG_DIRTY */
};

struct cache {
    struct cached *entries;
    u32 *list; /* of the entries that may be valid */
    u32 count;
};

/* One processor's caches. Nobody else's instruction empties them. */
struct cpu {
    struct cache physical, linear, directory;
    u32 real_cr3; /* while another one runs */
};

static struct cached entries[MACHINE_CPUS][2 * PAGES + PG_ENTRIES];
static u32 lists[MACHINE_CPUS][2 * PAGES + PG_ENTRIES];
static struct cpu cpus[MACHINE_CPUS];
static struct cpu *self = cpus; /* who runs */

u32 real_cr3;
bool machine_does_stores;
unsigned machine_stores_done;
struct flush_counts flushes;
static bool pse = true;

static void cache_clear(struct cache *cache, bool keep_global)
{
    u32 kept = 0;

    for (u32 i = 0; i < cache->count; i++) {
        struct cached *entry = &cache->entries[cache->list[i]];
        if (keep_global && entry->valid && (entry->rights & PG_GLOBAL))
            cache->list[kept++] = cache->list[i];
        else
            *entry = (struct cached){0};
    }
    cache->count = kept;
}

static void cache_put(struct cache *cache, u32 index, struct cached entry)
{
    entry.listed = cache->entries[index].listed;
    entry.valid = true;
    if (!entry.listed)
        cache->list[cache->count++] = index;
    entry.listed = true;
    cache->entries[index] = entry;
}

static void lose_linear(struct cpu *cpu)
{
    cache_clear(&cpu->linear, false);
    cache_clear(&cpu->directory, false);
}

static void lose_all(struct cpu *cpu)
{
    cache_clear(&cpu->physical, false);
    lose_linear(cpu);
}

void cpu_reset(void)
{
    for (u32 i = 0; i < MACHINE_CPUS; i++) {
        cpus[i].physical = (struct cache){entries[i], lists[i], cpus[i].physical.count};
        cpus[i].linear = (struct cache){entries[i] + PAGES, lists[i] + PAGES, cpus[i].linear.count};
        cpus[i].directory =
            (struct cache){entries[i] + 2 * PAGES, lists[i] + 2 * PAGES, cpus[i].directory.count};
        cpus[i].real_cr3 = 0;
        lose_all(&cpus[i]);
    }
    self = cpus;
    flushes = (struct flush_counts){0};
    machine_stops = 0;
    real_cr3 = 0;
}

void machine_on_cpu(u32 index)
{
    self->real_cr3 = real_cr3;
    self = &cpus[index];
    real_cr3 = self->real_cr3;
    vm.mirror.self = &vm.mirror.cpus[index];
}

void machine_unload(void)
{
    mirror_unload_root(&vm);
    lose_linear(self);
    real_cr3 = 0;
}

void tlb_flush_ept(void)
{
    for (u32 i = 0; i < MACHINE_CPUS; i++)
        lose_all(&cpus[i]);
    flushes.ept++;
}

void tlb_flush_gva(gva_t gva)
{
    self->linear.entries[PAGE_OF(gva.v)].valid = false;
    self->directory.entries[gva.v >> PG_SLOT_SHIFT].valid = false;
    flushes.address++;
}

void tlb_flush_guest(void)
{
    lose_linear(self);
    flushes.guest++;
}

void tlb_flush_elsewhere(void)
{
    for (u32 i = 0; i < MACHINE_CPUS; i++) {
        if (&cpus[i] != self)
            lose_linear(&cpus[i]);
    }
}

u64 machine_ept_leaf(u64 gpa)
{
    u64 table = vm.ept.root.v;

    for (int level = LEVELS - 1; level >= 0; level--) {
        u64 span = 1ull << (PAGE_SHIFT + level * INDEX_BITS);
        u64 entry = ((u64 *)machine_memory(table))[gpa / span % 512];
        if (level > 0 && entry != 0 && (entry & LARGE_LEAF))
            return entry + (gpa & (span - 1) & ~PAGE_MASK);
        if (level == 0 || LEAF_PERMS(entry) == 0)
            return entry;
        table = LEAF_HPA(entry);
    }
    return 0;
}

struct violation {
    u32 gpa;
    u32 wanted; /* EPT_READ, EPT_WRITE */
};

/* Guest-physical to host-physical for `wanted`. False: EPT violation, which drops the cached
 * translation. */
static bool to_host(u32 gpa, u32 wanted, struct cached *found, struct violation *violation)
{
    struct cached *cached = &self->physical.entries[PAGE_OF(gpa)];

    if (!cached->valid || (wanted & ~cached->perms) != 0) {
        u64 leaf = machine_ept_leaf(gpa);
        *violation = (struct violation){gpa, wanted};
        cached->valid = false;
        if ((wanted & ~LEAF_PERMS(leaf)) != 0)
            return false;
        cache_put(&self->physical, PAGE_OF(gpa),
                  (struct cached){
                      .gpa = gpa & PG_FRAME, .hpa = LEAF_HPA(leaf), .perms = LEAF_PERMS(leaf)});
    }
    *found = *cached;
    return true;
}

enum step { STEP_DONE, STEP_FAULT, STEP_VIOLATION };

/* Reads one table entry, and sets flags in it where it lacks them. */
static enum step fetch_entry(u32 table, u32 index, u32 flags, u32 *entry,
                             struct violation *violation)
{
    u32 gpa = table + index * sizeof(u32);
    struct cached found;
    u32 *at;

    if (!to_host(gpa, EPT_READ, &found, violation))
        return STEP_VIOLATION;
    at = (u32 *)machine_memory(found.hpa) + index;
    *entry = *at;
    if (!(*entry & PG_PRESENT))
        return STEP_FAULT;
    if ((*entry & flags) == flags)
        return STEP_DONE;
    if (!to_host(gpa, EPT_WRITE, &found, violation))
        return STEP_VIOLATION;
    at = (u32 *)machine_memory(found.hpa) + index;
    *at |= flags;
    *entry = *at;
    return STEP_DONE;
}

static bool allowed(u32 rights, struct access access)
{
    if (access.user && !(rights & PG_USER))
        return false;
    return !access.write || (rights & PG_WRITE); /* CR0.WP is set */
}

struct walk {
    u32 gpa; /* of the page */
    u32 rights;
};

static bool is_large(u32 pde)
{
    return pse && (pde & PG_LARGE);
}

static void use_large(u32 pde, u32 address, struct walk *walk)
{
    walk->gpa = (pde & PG_LARGE_FRAME) | (address & ~PG_LARGE_FRAME & PG_FRAME);
    walk->rights = pde;
}

static void remember_table(u32 slot, u32 pde)
{
    struct cached table = self->physical.entries[PAGE_OF(pde)];

    table.rights = pde & (PG_WRITE | PG_USER);
    cache_put(&self->directory, slot, table);
}

static enum step walk_table(u32 table, u32 rights, struct access access, struct walk *walk,
                            struct violation *violation)
{
    u32 index = access.address >> PAGE_SHIFT & (PG_ENTRIES - 1);
    u32 pte = 0;
    /* The dirty flag is for writes that go through only. */
    enum step step = fetch_entry(table, index, PG_ACCESSED, &pte, violation);

    if (step == STEP_DONE && access.write && allowed(rights & pte, access))
        step = fetch_entry(table, index, PG_DIRTY, &pte, violation);
    walk->gpa = pte & PG_FRAME;
    walk->rights = (rights & pte & (PG_WRITE | PG_USER)) | (pte & (PG_GLOBAL | PG_DIRTY));
    return step;
}

static enum step walk_tables(struct access access, struct walk *walk, struct violation *violation)
{
    u32 slot = access.address >> PG_SLOT_SHIFT;
    struct cached *cached = &self->directory.entries[slot];
    u32 pde = 0;
    enum step step;

    if (cached->valid)
        return walk_table(cached->gpa, cached->rights, access, walk, violation);
    step = fetch_entry(real_cr3 & PG_FRAME, slot, PG_ACCESSED, &pde, violation);
    if (step != STEP_DONE)
        return step;
    if (is_large(pde)) {
        if (access.write && allowed(pde, access))
            step = fetch_entry(real_cr3 & PG_FRAME, slot, PG_DIRTY, &pde, violation);
        use_large(pde, access.address, walk);
        return step;
    }
    step = walk_table(pde & PG_FRAME, pde, access, walk, violation);
    if (step != STEP_VIOLATION)
        remember_table(slot, pde);
    return step;
}

static u32 error_code(struct access access, bool present)
{
    return (present ? PF_PRESENT : 0) | (access.write ? PF_WRITE : 0) | (access.user ? PF_USER : 0);
}

static enum step cpu_access(struct access access, struct outcome *outcome,
                            struct violation *violation)
{
    u32 wanted = access.write ? EPT_WRITE : EPT_READ;
    struct cached *cached = &self->linear.entries[PAGE_OF(access.address)];
    struct cached page;
    struct walk walk = {0};
    enum step step;

    if (!cached->valid ||
        (access.write && !(cached->rights & PG_DIRTY) && allowed(cached->rights, access))) {
        step = walk_tables(access, &walk, violation);
        outcome->error_code = error_code(access, false);
        if (step != STEP_DONE)
            return step;
        if (allowed(walk.rights, access) && !to_host(walk.gpa, wanted, &page, violation))
            return STEP_VIOLATION;
        page = self->physical.entries[PAGE_OF(walk.gpa)];
        page.gpa = walk.gpa;
        page.rights = walk.rights;
        if (allowed(walk.rights, access))
            cache_put(&self->linear, PAGE_OF(access.address), page);
    } else {
        page = *cached;
    }
    outcome->error_code = error_code(access, true);
    if (!allowed(page.rights, access))
        return STEP_FAULT;
    if ((wanted & ~page.perms) != 0) {
        *violation = (struct violation){page.gpa, wanted};
        cached->valid = false;
        return STEP_VIOLATION;
    }
    outcome->hpa = HPA(page.hpa + (access.address & PAGE_MASK));
    return STEP_DONE;
}

static struct walk raw_walk(u32 root, u32 address);
static bool in_mirror(u32 gpa);

#define PAGES_NOTED 4u

/* What the other processors may be about to write through, since each of them may be in a window:
 * the first pages of each mirror slot. */
static struct {
    const struct cpu *cpu;
    u32 address, gpa, rights;
} open_windows[MACHINE_CPUS * PG_ENTRIES * PAGES_NOTED];
static u32 open_count;

static void note_window(const struct cpu *cpu, u32 address)
{
    struct walk walk = raw_walk(cpu->real_cr3, address);

    if (!in_mirror(walk.gpa) || (~walk.rights & (PG_PRESENT | PG_WRITE)) != 0)
        return;
    open_windows[open_count].cpu = cpu;
    open_windows[open_count].address = address;
    open_windows[open_count].gpa = walk.gpa;
    open_windows[open_count++].rights = walk.rights & (PG_PRESENT | PG_WRITE | PG_USER);
}

static void note_windows_of(const struct cpu *cpu)
{
    const u32 *root = machine_memory(LEAF_HPA(machine_ept_leaf(cpu->real_cr3 & PG_FRAME)));

    for (u32 i = 0; i < PG_ENTRIES * PAGES_NOTED; i++) {
        if (root[i / PAGES_NOTED] & PG_PRESENT)
            note_window(cpu, i / PAGES_NOTED << PG_SLOT_SHIFT | i % PAGES_NOTED << PAGE_SHIFT);
    }
}

static void note_windows(void)
{
    open_count = 0;
    for (u32 i = 0; i < MACHINE_CPUS && !vm.mirror.alone; i++) {
        if (&cpus[i] != self && cpus[i].real_cr3 != 0)
            note_windows_of(&cpus[i]);
    }
}

/* All that can still be written through. */
static void check_windows(void)
{
    for (u32 i = 0; i < open_count; i++) {
        struct walk walk = raw_walk(open_windows[i].cpu->real_cr3, open_windows[i].address);
        if (walk.gpa != open_windows[i].gpa || (open_windows[i].rights & ~walk.rights) != 0)
            fail_msg("mirror address 0x%08x was taken from a processor in a window",
                     open_windows[i].address);
    }
}

unsigned machine_stops;

/* As hv/exit/paging.c: all others are stopped, and it is done again. */
static bool again_alone(enum mirror_load_result result)
{
    vm.mirror.alone = result == MIRROR_LOAD_NOT_ALONE;
    machine_stops += vm.mirror.alone;
    return vm.mirror.alone;
}

/* As hv/exit/memory.c. False: the guest is stopped. */
static bool exit_violation(struct violation violation)
{
    enum vm_side side;
    gpa_t page;
    struct ept_page found;
    bool resume;

    if (!vm_ram_side(&vm, GPA(violation.gpa), &side, &page))
        return false;
    found = ept_lookup(&vm.ept, GPA(violation.gpa));
    note_windows();
    if (found.bad)
        resume = recovery_restore(&vm, page, side, "access") != RECOVERY_LOST;
    else
        resume = violation.wanted == EPT_WRITE && side == SIDE_NATIVE &&
                 (mirror_table_write(&vm, page) || scrub_write(&vm, page));
    check_windows();
    machine_check_ept_caches();
    return resume;
}

static bool exit_fault(struct access access, u32 error)
{
    enum mirror_load_result result;
    bool resume;

    note_windows();
    resume = mirror_page_fault(&vm, GVA(access.address), error, &result);
    check_windows();
    assert_int_equal(result, MIRROR_LOAD_OK);
    machine_check_ept_caches();
    machine_check_mirror_tlb();
    return resume;
}

struct outcome machine_access(struct access access)
{
    struct outcome outcome = {0};
    struct violation violation = {0};

    for (int exits = 0; exits < EXITS_MAX; exits++) {
        switch (cpu_access(access, &outcome, &violation)) {
        case STEP_DONE:
            outcome.kind = ACCESS_OK;
            return outcome;
        case STEP_FAULT:
            outcome.kind = ACCESS_FAULT;
            if (!exit_fault(access, outcome.error_code))
                return outcome;
            break;
        case STEP_VIOLATION:
            outcome.kind = ACCESS_STOPPED;
            if (!exit_violation(violation))
                return outcome;
            break;
        }
    }
    fail_msg("an access to 0x%08x never ends", access.address);
    return outcome;
}

enum mirror_load_result machine_load_cr3(u32 guest_cr3)
{
    u32 real;
    enum mirror_load_result result;

    do {
        note_windows();
        result = mirror_load_root(&vm, guest_cr3, pse, &real);
        check_windows();
    } while (again_alone(result));
    if (result == MIRROR_LOAD_OK) {
        real_cr3 = real;
        cache_clear(&self->linear, true);
        cache_clear(&self->directory, false);
    }
    machine_check_ept_caches();
    machine_check_mirror_tlb();
    return result;
}

enum mirror_load_result machine_invlpg(u32 address)
{
    enum mirror_load_result result;

    do {
        note_windows();
        result = mirror_sync(&vm);
        check_windows();
    } while (again_alone(result));
    tlb_flush_gva(GVA(address));
    cache_clear(&self->directory, false);
    machine_check_ept_caches();
    machine_check_mirror_tlb();
    return result;
}

/* The host address of a guest-physical one, after handling the exits that getting it causes; 0:
 * stopped. */
static u64 physical_access(u64 gpa, u32 wanted)
{
    struct violation violation;
    struct cached found;

    for (int exits = 0; exits < EXITS_MAX; exits++) {
        if (to_host((u32)gpa, wanted, &found, &violation))
            return found.hpa + (gpa & PAGE_MASK);
        if (!exit_violation(violation))
            return 0;
    }
    fail_msg("an access to guest-physical 0x%llx never ends", (unsigned long long)gpa);
    return 0;
}

/* The exit of a store to a table that the hypervisor does in the guest's place. */
static bool stored_by_hypervisor(u64 gpa, u32 value)
{
    struct mirror_page *table;
    struct violation violation;
    struct cached found;
    enum vm_side side;
    gpa_t page;
    bool done;

    if (!machine_does_stores || to_host((u32)gpa, EPT_WRITE, &found, &violation) ||
        !vm_ram_side(&vm, GPA(gpa), &side, &page) || side != SIDE_NATIVE ||
        ept_lookup(&vm.ept, GPA(gpa)).bad)
        return false;
    note_windows();
    table = mirror_storable(&vm, GPA(gpa));
    done = table != NULL && mirror_table_store(&vm, table, GPA(gpa), value);
    check_windows();
    machine_check_ept_caches();
    machine_check_mirror_tlb();
    return done;
}

static bool store_at(u64 gpa, u32 value)
{
    u64 hpa;

    if (stored_by_hypervisor(gpa, value)) {
        machine_stores_done++;
        return true;
    }
    hpa = physical_access(gpa, EPT_WRITE);
    if (hpa != 0)
        *(u32 *)machine_memory(hpa) = value;
    return hpa != 0;
}

bool guest_store_native(u32 gpa, u32 value)
{
    return store_at(gpa, value);
}

bool guest_store(u32 gpa, u32 value)
{
    return store_at(gpa, value) && store_at(gpa + vm.offset, value);
}

u32 guest_load(u32 gpa)
{
    u64 hpa = physical_access(gpa, EPT_READ);

    assert_true(hpa != 0);
    return *(u32 *)machine_memory(hpa);
}

void guest_fill(u32 page, u32 value)
{
    for (u32 at = 0; at < PAGE_SIZE; at += sizeof(value))
        guest_store(page + at, value);
}

static void check_ept_part(const struct cached *cached)
{
    u64 leaf;

    if (!cached->valid)
        return;
    leaf = machine_ept_leaf(cached->gpa);
    if (LEAF_HPA(leaf) != cached->hpa || (cached->perms & ~LEAF_PERMS(leaf)) != 0)
        fail_msg(
            "a flush is owed: guest-physical 0x%08x is cached as 0x%llx perms %u, EPT has 0x%llx",
            cached->gpa, (unsigned long long)cached->hpa, cached->perms, (unsigned long long)leaf);
}

static void check_cache(const struct cache *cache)
{
    for (u32 i = 0; i < cache->count; i++)
        check_ept_part(&cache->entries[cache->list[i]]);
}

void machine_check_ept_caches(void)
{
    for (u32 i = 0; i < MACHINE_CPUS; i++) {
        check_cache(&cpus[i].physical);
        check_cache(&cpus[i].linear);
        check_cache(&cpus[i].directory);
    }
}

u32 machine_raw_entry(u32 table, u32 index)
{
    u64 leaf = machine_ept_leaf(table);

    return LEAF_PERMS(leaf) == 0 ? 0 : ((u32 *)machine_memory(LEAF_HPA(leaf)))[index];
}

static struct walk raw_walk(u32 root, u32 address)
{
    u32 pde = machine_raw_entry(root & PG_FRAME, address >> PG_SLOT_SHIFT);
    struct walk walk = {0};
    u32 pte;

    if (!(pde & PG_PRESENT))
        return walk;
    if (is_large(pde)) {
        use_large(pde, address, &walk);
        return walk;
    }
    pte = machine_raw_entry(pde & PG_FRAME, address >> PAGE_SHIFT & (PG_ENTRIES - 1));
    walk.gpa = pte & PG_FRAME;
    walk.rights = pde & pte;
    return walk;
}

static bool in_mirror(u32 gpa)
{
    return gpa >= vm_sink_gpa(&vm).v && gpa < vm.offset + vm.ram_bytes;
}

static void check_mirror_tlb(const struct cpu *cpu, u32 root)
{
    u32 checked = PG_WRITE | PG_USER;

    for (u32 i = 0; i < cpu->linear.count; i++) {
        u32 page = cpu->linear.list[i];
        const struct cached *cached = &cpu->linear.entries[page];
        struct walk walk;
        if (!cached->valid || !in_mirror(cached->gpa))
            continue;
        walk = raw_walk(root, page << PAGE_SHIFT);
        if (!(walk.rights & PG_PRESENT) || walk.gpa != cached->gpa ||
            (cached->rights & ~walk.rights & checked) != 0)
            fail_msg("a flush is owed: mirror address 0x%08x is cached as 0x%08x, the tables have "
                     "0x%08x",
                     page << PAGE_SHIFT, cached->gpa, walk.gpa);
    }
}

void machine_check_mirror_tlb(void)
{
    for (u32 i = 0; i < MACHINE_CPUS; i++)
        check_mirror_tlb(&cpus[i], &cpus[i] == self ? real_cr3 : cpus[i].real_cr3);
}

static u64 random_state;

void random_seed(u64 seed)
{
    random_state = seed * 2685821657736338717ull + 1;
}

u32 random_below(u32 limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (u32)((random_state * 2685821657736338717ull) >> 32) % limit;
}
