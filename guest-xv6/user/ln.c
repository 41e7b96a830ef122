#include "user.h"

static const char usage_text[] = "ln OLD NEW";

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc != 3)
        usage(usage_text);
    if (link(argv[1], argv[2]) < 0)
        fail("ln", argv[2], "cannot link: OLD must be a file, NEW must not exist");
    exit();
}
