#include <hv/recovery/scrub.h>

#include <hv/cpu/cpuid.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/vm.h>
#include <kmv/contract.h>

/* A page's word: a checksum, 0 before the first visit, and what it stands for. */
#define SEAL_TRUSTED  1u /* taken while the page was read-only */
#define SEAL_REPORTED 2u /* of the difference of the two sides, which was told of */
#define SEAL_SUM      (~(SEAL_TRUSTED | SEAL_REPORTED))

#define CPUID_ECX_SSE42 (1u << 20)

/* So few that an interrupt does not wait longer than for a page table. */
#define SLICE_PAGES 8u

#define SEALS_BYTES(vm) (((vm)->ram_bytes / PAGE_SIZE * sizeof(u32) + PAGE_MASK) & ~PAGE_MASK)

struct sides {
    gpa_t page;
    struct ept_page native, mirror;
};

int scrub_set_budget(struct vm *vm, u32 permille)
{
    if (!vm->mirrored || (cpuid(1, 0).ecx & CPUID_ECX_SSE42) == 0)
        return -HV_EOPNOTSUPP;
    if (permille > SCRUB_PERMILLE_MAX)
        return -HV_EINVAL;
    if (vm->scrub.seals.v == 0 &&
        !frame_alloc_block(&vm->heap, SEALS_BYTES(vm) / PAGE_SIZE, &vm->scrub.seals))
        return -HV_ENOMEM;
    vm->scrub.permille = permille;
    vm->scrub.due = 0;
    return 0;
}

static u32 *seal_of(const struct vm *vm, gpa_t page)
{
    return phys_ptr(HPA(vm->scrub.seals.v + page.v / PAGE_SIZE * sizeof(u32)));
}

void scrub_forget(struct vm *vm, gpa_t page)
{
    if (vm->scrub.seals.v != 0)
        *seal_of(vm, page) = 0;
}

bool scrub_is_sealed(const struct vm *vm, gpa_t page)
{
    return vm->scrub.seals.v != 0 && (*seal_of(vm, page) & SEAL_TRUSTED) != 0 &&
           (ept_lookup(&vm->ept, page).perms & EPT_WRITE) == 0;
}

/* CRC-32C: no change of up to three bits of a page goes unseen, and the processor does eight bytes
 * at once. */
static u32 checksum(hpa_t frame)
{
    const u64(*words)[4] = phys_ptr(frame);
    u64 sum = 0xffffffff;

    for (u32 i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        __asm__("crc32q %1, %0\n\tcrc32q %2, %0\n\tcrc32q %3, %0\n\tcrc32q %4, %0"
                : "+r"(sum)
                : "m"(words[i][0]), "m"(words[i][1]), "m"(words[i][2]), "m"(words[i][3]));
    return (u32)sum & SEAL_SUM;
}

static void open_leaf(struct vm *vm, gpa_t page)
{
    gpa_t leaf = GPA(page.v & ~LARGE_PAGE_MASK);

    ept_set_leaf_perms(&vm->ept, page, EPT_RWX);
    for (u64 at = 0; at < LARGE_PAGE_SIZE; at += PAGE_SIZE)
        scrub_forget(vm, GPA(leaf.v + at));
}

void scrub_open(struct vm *vm, gpa_t page)
{
    if (ept_set_perms(&vm->ept, page, EPT_RWX) == 0)
        scrub_forget(vm, page);
    else
        open_leaf(vm, page);
}

bool scrub_write(struct vm *vm, gpa_t page)
{
    if (vm->scrub.seals.v == 0)
        return false;
    /* A seal is worth less than a shadow root or a spare frame. */
    if (ept_lookup(&vm->ept, page).large && ept_heap_is_low(&vm->ept))
        open_leaf(vm, page);
    else
        scrub_open(vm, page);
    vm->counters[KMV_COUNTER_scrub_opened]++;
    return true;
}

/* The visit of a 2 MiB leaf ends with all of it sealed, or with pages that can be sealed one by
 * one. True: a flush is owed. */
static bool end_leaf(struct vm *vm, const struct sides *sides)
{
    const struct scrub *scrub = &vm->scrub;

    if (!scrub->leaf_known || (sides->native.perms & EPT_WRITE) == 0)
        return false;
    if (scrub->leaf_quiet)
        ept_set_leaf_perms(&vm->ept, sides->page, EPT_RX);
    else if (!ept_heap_is_low(&vm->ept))
        ept_split(&vm->ept, sides->page);
    return scrub->leaf_quiet;
}

/* True: a flush is owed. */
static bool visit_equal(struct vm *vm, const struct sides *sides, bool tracked)
{
    bool writable = (sides->native.perms & EPT_WRITE) != 0;
    u32 *seal = seal_of(vm, sides->page), before = *seal, sum;

    if (!writable && (before & SEAL_TRUSTED))
        return false;
    sum = checksum(sides->native.frame);
    *seal = sum | (writable ? 0 : SEAL_TRUSTED);
    if (sides->native.large) {
        vm->scrub.leaf_known &= before != 0;
        vm->scrub.leaf_quiet &= before == sum;
        return false;
    }
    return writable && before == sum && !tracked &&
           ept_set_perms(&vm->ept, sides->page, EPT_RX) == 0;
}

/* Seen twice with the same difference, so that no write of another processor is under way. */
static void visit_undecided(struct vm *vm, const struct sides *sides, u32 difference)
{
    u32 *seal = seal_of(vm, sides->page), before = *seal;

    vm->scrub.leaf_known = false;
    if ((before & SEAL_SUM) != difference) {
        *seal = difference;
    } else if ((before & SEAL_REPORTED) == 0) {
        *seal = difference | SEAL_REPORTED;
        vm->counters[KMV_COUNTER_scrub_unsure]++;
        log_event("scrub", "gpage=0x%lx action=none", sides->page.v);
    }
}

/* The number of sides that were wrong. */
static u32 visit_differing(struct vm *vm, const struct sides *sides)
{
    u32 seal = *seal_of(vm, sides->page);
    u32 native = checksum(sides->native.frame), mirror = checksum(sides->mirror.frame);
    bool native_right = native == (seal & SEAL_SUM), mirror_right = mirror == (seal & SEAL_SUM);

    if (!scrub_is_sealed(vm, sides->page) || native_right == mirror_right) {
        visit_undecided(vm, sides, native ^ mirror);
        return 0;
    }
    recovery_hard_error(vm, sides->page, native_right ? SIDE_MIRROR : SIDE_NATIVE, false, "scrub");
    vm->counters[KMV_COUNTER_scrub_wrong]++;
    return 1;
}

static u32 visit(struct vm *vm, gpa_t page, bool *flush)
{
    struct sides sides = {page, ept_lookup(&vm->ept, page),
                          ept_lookup(&vm->ept, vm_side_gpa(vm, page, SIDE_MIRROR))};
    u64 in_leaf = page.v & LARGE_PAGE_MASK;
    enum recovery_comparison found;
    bool tracked;
    u32 wrong = 0;

    if (in_leaf == 0)
        vm->scrub.leaf_quiet = vm->scrub.leaf_known = true;
    if (sides.native.bad || sides.mirror.bad || sides.native.frame.v == sides.mirror.frame.v ||
        !recovery_protects(vm, page)) {
        vm->scrub.leaf_known = false;
        return 0;
    }
    /* Of a sealed page table the processor has not set any flag. */
    tracked = (sides.native.perms & EPT_WRITE) != 0 && mirror_settle_page(vm, page);
    found = recovery_compare(sides.native.frame, sides.mirror.frame, PAGE_SIZE);
    if (found == RECOVERY_SAME)
        *flush |= visit_equal(vm, &sides, tracked);
    else if (found == RECOVERY_DIFFERENT)
        wrong = visit_differing(vm, &sides);
    else
        vm->scrub.leaf_known = false;
    if (sides.native.large && in_leaf == LARGE_PAGE_SIZE - PAGE_SIZE)
        *flush |= end_leaf(vm, &sides);
    return wrong;
}

/* The page behind it, or the first one. */
static u64 next_page(const struct vm *vm, u64 page)
{
    page += PAGE_SIZE;
    if (page == KMV_VGA_GPA_BASE)
        page = KMV_VGA_GPA_END;
    return page >= vm->ram_bytes ? 0 : page;
}

u32 scrub_visit(struct vm *vm, u32 pages)
{
    bool flush = false;
    u32 wrong = 0;

    for (u32 i = 0; i < pages; i++) {
        wrong += visit(vm, GPA(vm->scrub.next), &flush);
        vm->scrub.next = next_page(vm, vm->scrub.next);
    }
    if (flush)
        tlb_flush_ept();
    vm->counters[KMV_COUNTER_scrub_pages] += pages;
    return wrong;
}

void scrub_slice(struct vm *vm)
{
    u64 start = tsc_read(), ticks;

    scrub_visit(vm, SLICE_PAGES);
    ticks = tsc_read() - start;
    vm->counters[KMV_COUNTER_scrub_ticks] += ticks;
    vm->scrub.due = start + ticks * 1000 / vm->scrub.permille;
}
