#include <hv/exit/decode.h>
#include <hv/exit/handlers.h>
#include <hv/log/log.h>
#include <hv/mirror/mirror.h>
#include <hv/mm/tlb.h>
#include <hv/recovery/recovery.h>

#define PF_PRESENT (1u << 0)
#define PF_USER    (1u << 2)

static enum exit_result stop_at(struct vcpu *vcpu, const char *reason,
                                const struct memory_access *access)
{
    return vcpu_stop(vcpu, reason, "gpa=0x%lx gva=0x%lx access=%s%s%s", access->gpa.v,
                     access->gva.v, access->read ? "r" : "", access->write ? "w" : "",
                     access->exec ? "x" : "");
}

enum exit_result exit_page_lost(struct vcpu *vcpu, gpa_t page)
{
    u8 vector = vcpu->vm->loss_vector;

    /* A handler that meets a loss before it asked for the last one would never come to ask. */
    if (vector == 0 || vcpu->loss_told || !vcpu_inject_instead(vcpu, vector))
        return vcpu_stop(vcpu, "page_lost", "gpage=0x%lx cause=%s", page.v,
                         vector == 0 ? "nobody_to_tell" : "handler_lost");
    vcpu->loss_told = true;
    vcpu->lost_page = page;
    vcpu->vm->counters[KMV_COUNTER_told]++;
    log_event("told", "gpage=0x%lx vector=%u privilege=%u rip=0x%lx", page.v, vector,
              vcpu_privilege(vcpu), vcpu_rip(vcpu));
    return EXIT_RESUME;
}

/* The page is bad: the fourth to sixth step of recovery. */
static enum exit_result on_bad_page(struct vcpu *vcpu, gpa_t page, enum vm_side side)
{
    vcpu->cost = COST_RECOVER;
    if (recovery_restore(vcpu->vm, page, side, "access") != RECOVERY_LOST)
        return EXIT_RESUME;
    return exit_page_lost(vcpu, page);
}

/* Code never lives in the mirror. A program that jumps there gets the fault of a page that is not
 * executable. */
static enum exit_result on_mirror_exec(struct vcpu *vcpu, const struct memory_access *access)
{
    u32 error = PF_PRESENT | (vcpu_privilege(vcpu) == 3 ? PF_USER : 0);

    return vcpu_inject_page_fault(vcpu, access->gva, error);
}

/* WHY: one entry of a page table is stored in the guest's place, which is cheaper than to let the
 * guest write to the table and to compare all of it later. */
bool exit_table_store(struct vcpu *vcpu, gpa_t gpa)
{
    struct mirror_page *table = mirror_storable(vcpu->vm, gpa);
    struct store store;
    const u8 *code;
    gva_t address;
    u32 bytes;

    if (table == NULL || !vcpu_code_address(vcpu, &address))
        return false;
    code = mirror_code_at(vcpu->vm, address, &bytes);
    if (code == NULL || !decode_store(code, bytes, &store))
        return false;
    if (!mirror_table_store(vcpu->vm, table, gpa,
                            store.has_gpr ? (u32)vcpu_gpr(vcpu, store.gpr) : store.value))
        return false;
    vcpu_skip_store(vcpu, store.length);
    vcpu->cost = COST_PT_WRITE;
    return true;
}

/* A write to a directory that no processor runs on gives up its shadow root: most likely it is
 * being freed. */
static bool table_write(struct vcpu *vcpu, gpa_t page)
{
    const u64 *roots = &vcpu->vm->counters[KMV_COUNTER_shadow_roots];
    u64 before = *roots;

    if (!mirror_table_write(vcpu->vm, page))
        return false;
    vcpu->cost = *roots < before ? COST_ROOT_DROP : COST_PT_WRITE;
    return true;
}

/* WHY: EPT violations are how bad pages, writes to guest page tables and to sealed
 * pages, and unmapped memory show. */
enum exit_result exit_memory(struct vcpu *vcpu, const struct memory_access *access)
{
    struct vm *vm = vcpu->vm;
    struct ept_page page;
    enum vm_side side;
    gpa_t ram;

    if ((access->gpa.v & ~PAGE_MASK) == LOCAL_APIC_PAGE && access->write)
        return exit_apic(vcpu, access);
    if (!vm_ram_side(vm, access->gpa, &side, &ram))
        return stop_at(vcpu, "unmapped_memory", access);
    page = ept_lookup(&vm->ept, access->gpa);
    if (page.bad)
        return on_bad_page(vcpu, ram, side);
    if (access->write && (page.perms & EPT_WRITE) == 0) {
        if (side == SIDE_NATIVE && (table_write(vcpu, ram) || scrub_write(vm, ram)))
            return EXIT_RESUME;
        return stop_at(vcpu, "write_protected_memory", access);
    }
    if (access->exec && (page.perms & EPT_EXEC) == 0)
        return on_mirror_exec(vcpu, access);
    /* The entry allows the access: a translation from before it did was still cached. */
    tlb_flush_ept_here();
    return EXIT_RESUME;
}
