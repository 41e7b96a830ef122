/*
 * Holds memory while the scrubber visits it. The note tells when all that is quiet has a checksum:
 * that is the time to break it, from outside.
 */
#include "kmv/hypercall.h"
#include "user.h"

static const char usage_text[] =
    "hold VISITS    (fills its pages, notes \"held\" after VISITS pages visited by the scrubber,\n"
    "compares its pages after half as many more)";

unsigned held_words[4 * PAGE_SIZE / sizeof(unsigned)] __attribute__((aligned(PAGE_SIZE)));

#define WORDS (sizeof(held_words) / sizeof(held_words[0]))

static unsigned long long values[KMV_COUNTER_COUNT];

static void wait_for_visits(unsigned visits)
{
    unsigned long long first = 0;

    for (int i = 0; i == 0 || values[KMV_COUNTER_scrub_pages] < first + visits; i++) {
        if (counters(values, KMV_COUNTER_COUNT) < 0)
            fail("hold", "refused", "needs the hypervisor");
        if (i == 0)
            first = values[KMV_COUNTER_scrub_pages];
        sleep(1);
    }
}

static unsigned count_changed(void)
{
    unsigned changed = 0;

    for (unsigned i = 0; i < WORDS; i++)
        changed += held_words[i] != ~i;
    return changed;
}

int main(int argc, char **argv)
{
    unsigned visits;

    help_option(argc, argv, usage_text);
    if (argc != 2 || parse_unsigned(argv[1], &visits) < 0)
        usage(usage_text);
    for (unsigned i = 0; i < WORDS; i++)
        held_words[i] = ~i;
    wait_for_visits(visits);
    note("held");
    wait_for_visits(visits / 2);
    printf(1, "hold: %u words changed, scrub_wrong=%llu scrub_unsure=%llu\n", count_changed(),
           values[KMV_COUNTER_scrub_wrong], values[KMV_COUNTER_scrub_unsure]);
    exit();
}
