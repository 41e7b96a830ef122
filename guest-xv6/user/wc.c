#include <stdbool.h>

#include "user.h"

static const char usage_text[] =
    "wc [FILE...]    (lines, words, bytes; standard input without FILE)";

static void count(int fd, const char *name)
{
    static char buf[BLOCK_SIZE];
    unsigned lines = 0, words = 0, bytes = 0;
    bool in_word = false;
    int got;

    while ((got = read(fd, buf, sizeof(buf))) > 0) {
        bytes += (unsigned)got;
        for (int i = 0; i < got; i++) {
            bool blank = buf[i] == '\0' || strchr(" \t\r\n\v", buf[i]);
            lines += buf[i] == '\n';
            words += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (got < 0)
        complain("wc", name, "cannot read");
    printf(1, "%u %u %u %s\n", lines, words, bytes, name);
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        count(0, "");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            complain("wc", argv[i], "cannot open");
            continue;
        }
        count(fd, argv[i]);
        close(fd);
    }
    exit();
}
