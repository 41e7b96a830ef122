#include "user.h"

static const char usage_text[] =
    "scrub PERMILLE    (share of the time to look for memory that changed of itself, 0 to 500)";

int main(int argc, char **argv)
{
    unsigned permille;

    help_option(argc, argv, usage_text);
    if (argc != 2 || parse_unsigned(argv[1], &permille) < 0)
        usage(usage_text);
    if (scrub((int)permille) < 0)
        fail("scrub", argv[1], "refused: needs the hypervisor with the mirror on, and at most 500");
    exit();
}
