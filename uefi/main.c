/*
 * The loader: reads its configuration, hypervisor and guest, reserves their memory and enters the
 * hypervisor. Whatever goes wrong on the way is one line, and the firmware gets its machine back as
 * it was.
 */
#include "firmware.h"

#include "elf64.h"
#include "guest.h"
#include "image.h"
#include "plan.h"

#include <kmv/contract.h>

/* Firmware clears the screen when it goes on, which would leave an error unread. */
#define READING_TIME_US 5000000

#define FOUR_GIB     (4ull << 30)
#define PAGE_SIZE_4K 4096ull
#define LARGE_PAGE   (2ull << 20)

/* Stacks and VMX regions of another processor, and tables for the root that it runs on. */
#define HEAP_A_PROCESSOR 0x20000ull

EFI_HANDLE loader_handle;
EFI_SYSTEM_TABLE *firmware;

/* All that is known before the hand-over. */
struct session {
    struct config config;
    struct plan plan;
    struct bytes hypervisor_file;
    struct elf64_image hypervisor;
    struct guest_files guest_files;
    struct image guest;
    struct kmv_bootinfo *bootinfo; /* in reserved memory, so that the hypervisor may keep it */
};

static bool read_config(struct config *config, struct error *error)
{
    struct bytes text;
    return file_load(CONFIG_PATH, &text, error) && config_parse(text, config, error);
}

static bool read_files(struct session *session, struct error *error)
{
    const struct config *config = &session->config;

    if (!file_load(config->hypervisor, &session->hypervisor_file, error) ||
        !elf64_read(session->hypervisor_file, &session->hypervisor, error))
        return false;
    if (!file_load(config->kernel, &session->guest_files.kernel, error) ||
        !image_read(session->guest_files.kernel, &session->guest, error))
        return false;
    if (!image_check_mirror(&session->guest, config->mirror, config->offset, error))
        return false;
    for (unsigned i = 0; i < config->module_count; i++) {
        if (!file_load(config->modules[i].path, &session->guest_files.modules[i], error))
            return false;
    }
    return true;
}

/* Where it is slow rather than nowhere. */
static bool reserve_mirror(uint64_t size, struct kmv_bootinfo *info, struct error *error)
{
    struct block block = {size, LARGE_PAGE, info->guest_base};

    if (memory_reserve(&block, "mirror", &info->mirror_base, error))
        return true;
    block.partner = 0;
    return memory_reserve(&block, "mirror", &info->mirror_base, error);
}

/* The largest blocks first, while free memory is in large pieces. */
static bool reserve(struct session *session, struct error *error)
{
    const struct plan *plan = &session->plan;
    const struct elf64_image *image = &session->hypervisor;
    struct kmv_bootinfo info = {
        .guest_size = plan->guest,
        .spare_size = plan->spare,
        .heap_size = plan->heap,
        .hv_size = image->size,
    };
    uint64_t info_base;

    platform_processors(&info);
    info.heap_size += (info.cpu_count - 1) * HEAP_A_PROCESSOR;
    error->file = CONFIG_PATH;
    if (!memory_reserve(&(struct block){plan->guest, LARGE_PAGE, 0}, "guest", &info.guest_base,
                        error))
        return false;
    if (plan->mirror != 0 && !reserve_mirror(plan->mirror, &info, error))
        return false;
    if (plan->spare != 0 && !memory_reserve(&(struct block){plan->spare, PAGE_SIZE_4K, 0},
                                            "spare pool", &info.spare_base, error))
        return false;
    if (!memory_reserve(&(struct block){info.heap_size, PAGE_SIZE_4K, 0}, "hypervisor's heap",
                        &info.heap_base, error) ||
        !memory_reserve(&(struct block){image->size, image->align, 0}, "hypervisor", &info.hv_base,
                        error) ||
        !memory_reserve(&(struct block){sizeof(info), PAGE_SIZE_4K, 0}, "boot information",
                        &info_base, error))
        return false;
    session->bootinfo = (struct kmv_bootinfo *)info_base;
    *session->bootinfo = info;
    return true;
}

static bool load_images(struct session *session, struct error *error)
{
    struct kmv_bootinfo *info = session->bootinfo;
    struct guest_ram ram = {(uint8_t *)info->guest_base, info->guest_size};

    error->file = session->config.hypervisor;
    return elf64_load(session->hypervisor_file, &session->hypervisor, (uint8_t *)info->hv_base,
                      info->hv_base, error) &&
           guest_fill(ram, &session->config, &session->guest_files, &session->guest,
                      &info->guest_mbi, error);
}

static uint64_t highest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Our reservations were RAM but say reserved now, so that the map alone may not reach up to them.
 */
static uint64_t physical_end(const struct kmv_bootinfo *info)
{
    const struct kmv_framebuffer *screen = &info->framebuffer;
    uint64_t pixels = (uint64_t)screen->pixels_per_line * screen->height;
    uint64_t end = highest(FOUR_GIB, memory_map_ram_end());

    end = highest(end, info->guest_base + info->guest_size);
    end = highest(end, info->mirror_base + info->guest_size);
    end = highest(end, info->spare_base + info->spare_size);
    end = highest(end, info->heap_base + info->heap_size);
    end = highest(end, info->hv_base + info->hv_size);
    end = highest(end, (uint64_t)info + sizeof(*info));
    end = highest(end, screen->base + pixels * sizeof(uint32_t));
    return (end + PAGE_SIZE_4K - 1) & ~(PAGE_SIZE_4K - 1);
}

static bool fill_bootinfo(struct session *session, struct error *error)
{
    struct kmv_bootinfo *info = session->bootinfo;
    UINTN key;

    if (memory_map_read(&key) != EFI_SUCCESS)
        return refuse(error, "the firmware gives no memory map");
    info->magic = KMV_BOOTINFO_MAGIC;
    info->version = KMV_BOOTINFO_VERSION;
    info->flags = (session->config.mirror ? KMV_BOOT_MIRROR : 0) |
                  (session->config.restart ? KMV_BOOT_RESTART : 0);
    info->mirror_offset = session->config.offset;
    info->stats_period = session->config.stats_megaticks;
    info->scrub_permille = session->config.mirror ? session->config.scrub_permille : 0;
    info->guest_entry = session->guest.entry;
    info->rsdp = platform_rsdp();
    platform_framebuffer(&info->framebuffer);
    if (info->cpu_count > 1 && !memory_reserve_low(KMV_AP_START_BYTES, &info->ap_start))
        return refuse(error, "no free memory below 640 KiB, where other processors start");
    platform_mptable(info);
    info->phys_end = physical_end(info);
    return true;
}

static bool prepare(struct session *session, struct error *error)
{
    if (!read_config(&session->config, error) || !read_files(session, error))
        return false;
    plan_make(&session->config, session->hypervisor.size, &session->plan);
    return reserve(session, error) && load_images(session, error) && fill_bootinfo(session, error);
}

static const char *base_name(const char *path)
{
    const char *name = path;
    for (; *path != '\0'; path++) {
        if (*path == '\\')
            name = path + 1;
    }
    return name;
}

static void announce(const struct config *config)
{
    char line[ERROR_LINE_MAX];
    text_format(line, sizeof(line), "kmemvisor: guest %s %u MiB, mirror %s, offset 0x%x",
                base_name(config->kernel), config->memory_mib, config->mirror ? "on" : "off",
                config->offset);
    report_progress(line);
}

static EFI_STATUS give_up(const struct error *error)
{
    char line[ERROR_LINE_MAX];

    memory_free_all();
    error_line(error, line);
    report_error(line);
    firmware->BootServices->Stall(READING_TIME_US);
    return EFI_LOAD_ERROR;
}

static EFI_STATUS enter(const struct session *session)
{
    char line[ERROR_LINE_MAX];
    struct error error = {session->config.hypervisor, ""};
    uint64_t entry = session->bootinfo->hv_base + session->hypervisor.entry;

    EFI_STATUS status = hand_over((hypervisor_entry)entry, session->bootinfo);
    memory_free_all();
    refuse(&error, "the firmware does not end boot services, EFI status 0x%llx",
           (unsigned long long)status);
    error_line(&error, line);
    report_error_serial(line);
    return EFI_LOAD_ERROR;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table)
{
    static struct session session;
    struct error error = {CONFIG_PATH, ""};

    loader_handle = image;
    firmware = system_table;
    report_start();
    if (!prepare(&session, &error))
        return give_up(&error);
    announce(&session.config);
    return enter(&session);
}
