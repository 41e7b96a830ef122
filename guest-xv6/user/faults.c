/* A campaign's faults, as the hypervisor's plan has them. */
#include <stdbool.h>
#include <stdint.h>

#include "kmv/faults.h"
#include "user.h"

static const char usage_text[] =
    "faults COUNT SEED INTERVAL [KIND...] | faults --wait | faults --list\n"
    "    (lets COUNT pages go bad, one about every INTERVAL time stamp ticks, all kinds without "
    "KIND;\n"
    "    waits until they have; lists the kinds)";

#define KIND_NAME(name) #name,
static const char *const names[] = {KMV_FAULT_KINDS(KIND_NAME)};

static unsigned kind_bit(const char *name)
{
    for (unsigned kind = 0; kind < KMV_FAULT_KIND_COUNT; kind++) {
        if (strcmp(name, names[kind]) == 0)
            return 1u << kind;
    }
    fail("faults", name, "no such kind: see faults --list");
}

static void list_kinds(void)
{
    for (unsigned kind = 0; kind < KMV_FAULT_KIND_COUNT; kind++)
        printf(1, "%s\n", names[kind]);
    exit();
}

static void wait_for_all(void)
{
    while (faults(0, 0, 0, 0) > 0)
        sleep(1);
    printf(1, "faults: done\n");
    exit();
}

int main(int argc, char **argv)
{
    unsigned count, seed, interval, kinds = 0;

    help_option(argc, argv, usage_text);
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        list_kinds();
    if (argc == 2 && strcmp(argv[1], "--wait") == 0)
        wait_for_all();
    if (argc < 4 || parse_unsigned(argv[1], &count) < 0 || parse_unsigned(argv[2], &seed) < 0 ||
        parse_unsigned(argv[3], &interval) < 0)
        usage(usage_text);
    for (int i = 4; i < argc; i++)
        kinds |= kind_bit(argv[i]);
    if (kinds == 0)
        kinds = (1u << KMV_FAULT_KIND_COUNT) - 1;
    if (faults((int)count, seed, interval, kinds) < 0)
        fail("faults", "refused",
             "needs the mirror, and kmv run --hypervisor build/hv/hv-test.elf");
    exit();
}
