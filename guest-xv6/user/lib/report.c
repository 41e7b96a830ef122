#include "user.h"

void complain(const char *program, const char *what, const char *why)
{
    printf(2, "%s: %s: %s\n", program, what, why);
}

void fail(const char *program, const char *what, const char *why)
{
    complain(program, what, why);
    exit();
}

void usage(const char *text)
{
    printf(2, "usage: %s\n", text);
    exit();
}

void help_option(int argc, char **argv, const char *text)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf(1, "usage: %s\n", text);
        exit();
    }
}
