/* From the loader to the running guest, and to its end. */
#include <hv/cpu/cpuid.h>
#include <hv/cpu/descriptors.h>
#include <hv/cpu/paging.h>
#include <hv/cpu/processor.h>
#include <hv/exit/handlers.h>
#include <hv/lib/string.h>
#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/log/serial.h>
#include <hv/platform/panic.h>
#include <hv/platform/pci.h>
#include <hv/platform/power.h>
#include <hv/platform/screen.h>
#include <hv/vcpu/others.h>
#include <hv/vm/audit.h>
#include <hv/vmx/backend.h>
#include <kmv/bootinfo.h>

#define IO_APIC_PAGE 0xfec00000u
#define HPET_PAGE    0xfed00000u

extern const u8 boot_stack_guard[]; /* the page below the stack */

static const u32 device_pages[] = {IO_APIC_PAGE, HPET_PAGE, LOCAL_APIC_PAGE};

static struct kmv_bootinfo boot;
static struct vm vm;
static struct vmx_controls controls;
static bool go; /* all processors are there, the guest may start */

_Noreturn void hv_main(const struct kmv_bootinfo *info);

static bool bootinfo_is_sane(const struct kmv_bootinfo *info)
{
    return info->magic == KMV_BOOTINFO_MAGIC && info->version == KMV_BOOTINFO_VERSION;
}

static void log_boot(void)
{
    log_event("boot",
              "mirror=%s offset=0x%x guest_base=0x%lx guest_size=0x%lx mirror_base=0x%lx "
              "spare_base=0x%lx spare_size=0x%lx hv_base=0x%lx hv_size=0x%lx heap_base=0x%lx "
              "heap_size=0x%lx screen=%ux%u",
              boot.flags & KMV_BOOT_MIRROR ? "on" : "off", boot.mirror_offset, boot.guest_base,
              boot.guest_size, boot.mirror_base, boot.spare_base, boot.spare_size, boot.hv_base,
              boot.hv_size, boot.heap_base, boot.heap_size, boot.framebuffer.width,
              boot.framebuffer.height);
}

/* A machine that cannot run us is told so where a person looks (COM1) and where programs look (the
 * log). */
static _Noreturn void refuse(const char *missing)
{
    screen_take_log();
    log_event("refuse", "missing=\"%s\"", missing);
    serial_write(SERIAL_COM1, "kmemvisor: this machine lacks: ");
    serial_write(SERIAL_COM1, missing);
    serial_write(SERIAL_COM1, "\r\n");
    power_off();
}

static int setup_memory(void)
{
    int error = vm_init(&vm, &boot);

    if (error == 0)
        error = paging_init(&vm.heap, boot.phys_end);
    if (error == 0)
        error = paging_guard(&vm.heap, (u64)boot_stack_guard);
    for (u32 i = 0; i < boot.cpu_count && error == 0; i++)
        error = descriptors_stacks(&vm.heap, i);
    for (size_t i = 0; i < ARRAY_LEN(device_pages) && error == 0; i++)
        error = vm_map_device(&vm, GPA(device_pages[i]), PAGE_SIZE);
    return error;
}

/* What all this takes beside guest, mirror and spare frames, which are configured. */
static void log_memory(void)
{
    u64 beside = boot.hv_size + boot.heap_size;

    log_event("memory", "beside=%lu permyriad=%lu heap_used=%lu", beside,
              (beside * 10000 / boot.guest_size),
              (boot.heap_size - vm.heap.free_count * PAGE_SIZE));
}

/* Pairs of a bucket's upper end, in ticks, and how many lie in it. */
static void log_cost(const char *kind, const u32 *buckets)
{
    char text[512] = "";
    size_t length = 0;

    for (u32 i = 0; i < COST_BUCKETS; i++) {
        if (buckets[i] > 0)
            length = format_append(text, sizeof(text), length, "%u:%u ", (i + 1) * COST_STEP,
                                   buckets[i]);
    }
    log_event("cost", "kind=%s distribution=\"%s\"", kind, text);
}

static void log_end(const struct vcpu *vcpu)
{
    struct vm_audit audit;

    for (unsigned reason = 0; reason < VCPU_EXIT_REASONS; reason++) {
        if (exit_tally[reason].count > 0)
            log_event("exits", "reason=%s count=%lu ticks=%lu", vmx_exit_name(reason),
                      exit_tally[reason].count, exit_tally[reason].ticks);
    }
    log_cost("recover", exit_costs[COST_RECOVER]);
    log_cost("pt_write", exit_costs[COST_PT_WRITE]);
    log_cost("root_drop", exit_costs[COST_ROOT_DROP]);
#define LOG_COUNTER(name)                                                                          \
    log_event("counter", "name=" #name " value=%lu", vm.counters[KMV_COUNTER_##name]);
    KMV_COUNTERS(LOG_COUNTER)
    log_memory();
    audit = vm_audit(&vm, &boot);
    log_event("isolation", "leaves=%lu wrong=%lu first_wrong=0x%lx", audit.leaves, audit.wrong,
              audit.first_wrong.v);
    log_event("summary", "end=%s status=%u", vcpu->power_off ? "poweroff" : "guest_stop",
              vcpu->status);
}

/* The guest on this processor, to the end of the machine. */
static _Noreturn void run(struct vcpu *vcpu)
{
    vcpu_run(vcpu);
    log_end(vcpu);
    if (!vcpu->power_off)
        machine_end("guest_stop");
    power_off();
}

static void prepare(struct vcpu *vcpu, u32 index)
{
    int error;

    *vcpu = (struct vcpu){.vm = &vm, .index = index};
    error = vmx_setup(vcpu, &controls);
    if (error == 0)
        error = index == 0 ? vmx_start_boot(vcpu, boot.guest_entry, boot.guest_mbi)
                           : vmx_start_waiting(vcpu);
    if (error != 0)
        panic("setup failed error=%d cpu=%u", error, index);
}

/* Another processor comes here. All have to allow the same controls. */
static void start_another(u32 index)
{
    struct vmx_controls its;
    char missing[256];

    if (!vmx_features_check(boot.flags & KMV_BOOT_MIRROR, &its, missing, sizeof(missing)) ||
        memcmp(&its, &controls, sizeof(its)) != 0)
        panic("processor %u has other VMX capabilities: %s", index, missing);
    prepare(&vcpus[index], index);
    __atomic_store_n(&processors[index].started, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        processor_pause();
    run(&vcpus[index]);
}

_Noreturn void hv_main(const struct kmv_bootinfo *info)
{
    static char missing[256];
    int error;

    boot = *info;
    descriptors_load(0);
    serial_init(SERIAL_COM2);
    if (!bootinfo_is_sane(&boot))
        panic("the loader's boot information has another version");
    screen_init(&boot.framebuffer);
    if (!vmx_features_check(boot.flags & KMV_BOOT_MIRROR, &controls, missing, sizeof(missing)))
        refuse(missing);
    power_set_restart((boot.flags & KMV_BOOT_RESTART) != 0);
    log_boot();
    pci_stop_bus_masters();
    error = setup_memory();
    if (error == 0) {
        prepare(&vcpus[0], 0);
        processors_start(&boot, start_another);
        vcpu_count = boot.cpu_count;
    }
    if (error == 0 && boot.scrub_permille > 0)
        error = scrub_set_budget(&vm, boot.scrub_permille);
    if (error != 0)
        panic("setup failed error=%d", error);
    stats_start(&vm.stats, boot.stats_period, tsc_read());
    log_memory();
    log_event("guest_start", "entry=0x%x", boot.guest_entry);
    if (vcpu_count > 1)
        apic_trap(&vm);
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    run(&vcpus[0]);
}
