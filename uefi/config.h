/*
 * The loader's configuration, \EFI\kmemvisor\kmemvisor.conf: lines "key = value", LF or CRLF. A '#'
 * at the start of a line or after a blank starts a comment. Printable ASCII and tabs only.
 *
 *   hypervisor = PATH         default \EFI\kmemvisor\hv.elf
 *   kernel     = PATH         required
 *   module     = PATH [args]  may be repeated; PATH without blanks
 *   cmdline    = TEXT         the kernel's command line, default empty
 *   memory     = MIB          guest RAM, default 128
 *   mirror     = on|off       default on
 *   offset     = HEX          OFFSET of the address contract, default KMV_OFFSET_DEFAULT
 *   spare      = MIB          spare pool, default memory/64 but at least 1; 0: none
 *   scrub      = PERMILLE     of the time, for the scrubber, 0 to 500; default 0: off
 *   on_stop    = off|restart  what the machine does once guest or hypervisor failed, default off
 *   stats      = MEGATICKS    a line of counters in the log each so many millions of TSC ticks,
 *                             default 0: none
 *
 * '/' and '\' both separate folders; a PATH that starts with neither is relative to CONFIG_FOLDER.
 * Builds for EFI and on the host.
 */
#ifndef LOADER_CONFIG_H
#define LOADER_CONFIG_H

#include "bytes.h"
#include "error.h"

#define CONFIG_FOLDER "\\EFI\\kmemvisor\\"
#define CONFIG_PATH   CONFIG_FOLDER "kmemvisor.conf"

#define CONFIG_PATH_MAX    256 /* bytes with the NUL */
#define CONFIG_STRING_MAX  1024
#define CONFIG_MODULES_MAX 16
#define CONFIG_MEMORY_MIN  4   /* MiB */
#define CONFIG_SCRUB_MAX   500 /* permille */

struct config_module {
    char path[CONFIG_PATH_MAX];
    char string[CONFIG_STRING_MAX]; /* the value as written: what the guest gets as the module's
                                       string */
};

struct config {
    char hypervisor[CONFIG_PATH_MAX]; /* paths are absolute, with backslashes */
    char kernel[CONFIG_PATH_MAX];
    char cmdline[CONFIG_STRING_MAX];
    struct config_module modules[CONFIG_MODULES_MAX];
    unsigned module_count;
    uint32_t memory_mib;
    uint32_t spare_mib;
    uint32_t scrub_permille;
    uint32_t offset;
    uint32_t stats_megaticks;
    bool mirror;
    bool restart; /* on_stop */
};

/*
 * Parses text into config. Returns false with the line, key and what is allowed in error on an
 * unknown, repeated or missing key, a bad value, or memory that the address contract has no room
 * for.
 */
bool config_parse(struct bytes text, struct config *config, struct error *error);

/* Most guest RAM, in MiB, that the address contract allows with this (valid) offset. */
uint32_t config_memory_limit(uint32_t offset);

#endif
