#include "user.h"

static const char usage_text[] = "rm FILE...    (also empty directories)";

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        usage(usage_text);
    for (int i = 1; i < argc; i++) {
        if (unlink(argv[i]) < 0)
            complain("rm", argv[i], "cannot remove");
    }
    exit();
}
