#include "user.h"

static const char usage_text[] = "mkdir DIRECTORY...";

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        usage(usage_text);
    for (int i = 1; i < argc; i++) {
        if (mkdir(argv[i]) < 0)
            complain("mkdir", argv[i], "cannot create");
    }
    exit();
}
