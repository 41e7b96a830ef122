#include "user.h"

static const char usage_text[] =
    "give N    (gives N free pages to the hypervisor: two spare frames "
    "each, for pages that have one copy left)";

int main(int argc, char **argv)
{
    unsigned pages;

    help_option(argc, argv, usage_text);
    if (argc != 2 || parse_unsigned(argv[1], &pages) < 0)
        usage(usage_text);
    int given = give((int)pages);
    if (given < 0)
        fail("give", "refused", "needs the hypervisor with the mirror on, and free memory");
    printf(1, "give: %d pages given\n", given);
    exit();
}
