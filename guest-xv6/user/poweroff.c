#include "user.h"

static const char usage_text[] = "poweroff [STATUS]    (0 to 255, default 0)";

int main(int argc, char **argv)
{
    unsigned status = 0;

    help_option(argc, argv, usage_text);
    if (argc > 2 || (argc == 2 && (parse_unsigned(argv[1], &status) < 0 || status > 255)))
        usage(usage_text);
    poweroff((int)status);
    fail("poweroff", "refused", "this machine cannot be switched off by software");
}
