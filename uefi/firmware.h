/* EFI-only parts of the loader: files, memory, output, hand-over. */
#ifndef LOADER_FIRMWARE_H
#define LOADER_FIRMWARE_H

#include <efi.h>

#include "bytes.h"
#include "error.h"
#include "plan.h"

#include <kmv/bootinfo.h>

/* Set once by efi_main. */
extern EFI_HANDLE loader_handle;
extern EFI_SYSTEM_TABLE *firmware;

/* The interface of a handle, or of the first one that has it (null handle); a null pointer if there
 * is none. */
void *protocol_of(EFI_HANDLE handle, EFI_GUID guid);

/* memory.c: everything is remembered, and given back by memory_free_all(). */

/* Bytes for the loader's own use until boot services end; a null pointer if there is no memory. */
void *memory_alloc(uint64_t size);

/*
 * Reserves the block, aligned to at least 4 KiB, for good: the memory map says
 * EfiReservedMemoryType. what names it in the error text.
 */
bool memory_reserve(const struct block *block, const char *what, uint64_t *address,
                    struct error *error);

/* The same below 1 MiB, where processors start. False: there is no room. */
bool memory_reserve_low(uint64_t size, uint64_t *address);

void memory_free_all(void);

/*
 * Takes the memory map anew, *key gets its key. The first call allocates room for it, later ones
 * allocate nothing and may follow a failed ExitBootServices.
 */
EFI_STATUS memory_map_read(UINTN *key);

/* Exclusive end of the highest RAM in the map that was read last. */
uint64_t memory_map_ram_end(void);

/* files.c: reads a whole file of the volume that the loader came from. error->file is set to path.
 */
bool file_load(const char *path, struct bytes *contents, struct error *error);

/* report.c: one line each, without newline. Only report_error_serial() may follow a failed
 * hand_over(). */
void report_start(void);                    /* sets COM1 and COM2 to 115200 8N1 */
void report_progress(const char *line);     /* screen and COM1 */
void report_error(const char *line);        /* screen, COM1 and COM2 */
void report_error_serial(const char *line); /* COM1 and COM2 */

/* platform.c: what the firmware knows of the machine. */
uint64_t platform_rsdp(void); /* 0: none */
void platform_framebuffer(struct kmv_framebuffer *framebuffer);
/* Fills cpu_count and cpu_apic with the processors that are enabled and healthy; those beyond
 * KMV_CPUS_MAX are left out. */
void platform_processors(struct kmv_bootinfo *info);
/* Writes MultiProcessor tables of these processors to the guest's memory. */
void platform_mptable(const struct kmv_bootinfo *info);

/* handover.c: ends boot services and calls entry(bootinfo). Returns only if the firmware refuses.
 */
typedef void (*hypervisor_entry)(struct kmv_bootinfo *bootinfo);
EFI_STATUS hand_over(hypervisor_entry entry, struct kmv_bootinfo *bootinfo);

#endif
