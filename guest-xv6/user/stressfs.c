/* Several processes write and read files of their own at the same time; every byte read must be the
 * one written. */
#include "user.h"

#define PROCESSES 5
#define CHUNKS    20

static char chunk[BLOCK_SIZE];

static void write_file(const char *path, int index)
{
    int fd = open(path, O_CREATE | O_RDWR);

    if (fd < 0)
        fail("stressfs", path, "cannot create");
    memset(chunk, 'a' + index, sizeof(chunk));
    for (int i = 0; i < CHUNKS; i++) {
        if (write_all(fd, chunk, sizeof(chunk)) < 0)
            fail("stressfs", path, "cannot write");
    }
    close(fd);
}

static void check_file(const char *path, int index)
{
    int fd = open(path, O_RDONLY);
    int bytes, total = 0;

    while ((bytes = read(fd, chunk, sizeof(chunk))) > 0) {
        for (int i = 0; i < bytes; i++) {
            if (chunk[i] != 'a' + index)
                fail("stressfs", path, "wrong byte read back");
        }
        total += bytes;
    }
    if (total != CHUNKS * BLOCK_SIZE)
        fail("stressfs", path, "wrong size read back");
    close(fd);
}

int main(int argc, char **argv)
{
    static char path[] = "stressfs0";
    int index = 0;

    help_option(argc, argv, "stressfs    (concurrent file writes and reads)");
    while (index < PROCESSES - 1 && fork() == 0)
        index++; /* a chain: each process starts the next and waits for it */
    path[8] = (char)('0' + index);
    write_file(path, index);
    check_file(path, index);
    unlink(path);
    wait();
    if (index == 0)
        printf(1, "stressfs: done\n");
    exit();
}
