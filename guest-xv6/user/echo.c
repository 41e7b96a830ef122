#include "user.h"

int main(int argc, char **argv)
{
    help_option(argc, argv, "echo [WORD...]");
    for (int i = 1; i < argc; i++)
        printf(1, i + 1 < argc ? "%s " : "%s", argv[i]);
    printf(1, "\n");
    exit();
}
