#include "user.h"

static const char usage_text[] = "inject N [SEED]    (poisons N random pages of memory in use)";

int main(int argc, char **argv)
{
    unsigned pages;
    unsigned seed = (unsigned)uptime();

    help_option(argc, argv, usage_text);
    if (argc < 2 || argc > 3 || parse_unsigned(argv[1], &pages) < 0 ||
        (argc == 3 && parse_unsigned(argv[2], &seed) < 0))
        usage(usage_text);
    int poisoned = inject((int)pages, seed);
    if (poisoned < 0)
        fail("inject", "refused", "needs the hypervisor with the mirror on");
    printf(1, "inject: %d pages poisoned\n", poisoned);
    exit();
}
