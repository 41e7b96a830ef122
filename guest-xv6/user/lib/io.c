#include "user.h"

char *gets(char *buf, int max)
{
    int used = 0;
    char c;

    /* One byte at a time: what follows the line belongs to the next reader of this descriptor. */
    while (used + 1 < max && read(0, &c, 1) == 1) {
        buf[used++] = c;
        if (c == '\n' || c == '\r')
            break;
    }
    buf[used] = '\0';
    return buf;
}

int stat(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return -1;
    int result = fstat(fd, st);
    close(fd);
    return result;
}

int write_all(int fd, const void *buf, int bytes)
{
    const char *cursor = buf;

    while (bytes > 0) {
        int written = write(fd, cursor, bytes);
        if (written <= 0)
            return -1;
        cursor += written;
        bytes -= written;
    }
    return 0;
}
