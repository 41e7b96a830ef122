#include "usertests.h"

char buffer[BUFFER_BYTES];

__attribute__((regparm(1))) void check_failed(int line)
{
    printf(2, "usertests: the check in line %d does not hold\n", line);
    exit();
}

int must_fork(void)
{
    int pid = fork();

    CHECK(pid >= 0);
    return pid;
}

void reap(int count)
{
    while (count-- > 0)
        CHECK(wait() > 0);
}

bool survives(void (*body)(void *), void *argument)
{
    int fds[2];
    char byte = 's';

    CHECK(pipe(fds) == 0);
    if (must_fork() == 0) {
        close(fds[0]);
        body(argument);
        write(fds[1], &byte, 1);
        exit();
    }
    close(fds[1]);
    bool result = read(fds[0], &byte, 1) == 1;
    close(fds[0]);
    reap(1);
    return result;
}

void make_file(const char *path, int bytes, char fill)
{
    int fd = open(path, O_CREATE | O_RDWR);

    CHECK(fd >= 0);
    memset(buffer, fill, sizeof(buffer));
    while (bytes > 0) {
        int chunk = bytes < BUFFER_BYTES ? bytes : BUFFER_BYTES;
        CHECK(write(fd, buffer, chunk) == chunk);
        bytes -= chunk;
    }
    CHECK(close(fd) == 0);
}

void check_file(const char *path, int bytes, char fill)
{
    int fd = open(path, O_RDONLY);
    int got, total = 0;

    CHECK(fd >= 0);
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        for (int i = 0; i < got; i++)
            CHECK(buffer[i] == fill);
        total += got;
    }
    CHECK(got == 0);
    CHECK(total == bytes);
    close(fd);
}

bool exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

int count_entries(const char *directory)
{
    struct dirent entry;
    int fd = open(directory, O_RDONLY);
    int count = 0;

    CHECK(fd >= 0);
    while (read(fd, &entry, sizeof(entry)) == sizeof(entry))
        count += entry.inum != 0;
    close(fd);
    return count;
}

char *numbered(char *name, const char *prefix, int number)
{
    size_t length = strlen(prefix);

    memcpy(name, prefix, length);
    name[length] = (char)('0' + number / 10);
    name[length + 1] = (char)('0' + number % 10);
    name[length + 2] = '\0';
    return name;
}
