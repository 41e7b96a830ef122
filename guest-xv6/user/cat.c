#include "user.h"

static const char usage_text[] = "cat [FILE...]    (standard input without FILE)";

static void copy(int fd, const char *name)
{
    static char buf[BLOCK_SIZE];
    int bytes;

    while ((bytes = read(fd, buf, sizeof(buf))) > 0) {
        if (write_all(1, buf, bytes) < 0)
            fail("cat", "standard output", "cannot write");
    }
    if (bytes < 0)
        fail("cat", name, "cannot read");
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        copy(0, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            complain("cat", argv[i], "cannot open");
            continue;
        }
        copy(fd, argv[i]);
        close(fd);
    }
    exit();
}
