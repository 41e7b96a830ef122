#include "user.h"

static const char usage_text[] = "kill PID...";

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        usage(usage_text);
    for (int i = 1; i < argc; i++) {
        unsigned pid;
        if (parse_unsigned(argv[i], &pid) < 0)
            complain("kill", argv[i], "not a process number");
        else if (kill((int)pid) < 0)
            complain("kill", argv[i], "no such process");
    }
    exit();
}
