#define _GNU_SOURCE

#include "hostfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static uint8_t *read_open(FILE *file, size_t limit, size_t *bytes)
{
    struct stat st;

    if (fstat(fileno(file), &st) < 0)
        return NULL;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > limit) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        return NULL;
    }
    *bytes = (size_t)st.st_size;
    uint8_t *data = malloc(*bytes + 1);
    if (data && fread(data, 1, *bytes, file) != *bytes) {
        free(data);
        errno = EIO;
        return NULL;
    }
    return data;
}

uint8_t *hostfile_read(const char *path, size_t limit, size_t *bytes)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        return NULL;
    uint8_t *data = read_open(file, limit, bytes);
    int saved = errno;
    fclose(file);
    errno = saved;
    return data;
}

static int write_part(const char *part, const uint8_t *data, size_t bytes)
{
    FILE *file = fopen(part, "wb");

    if (!file)
        return -1;
    size_t written = fwrite(data, 1, bytes, file);
    return fclose(file) == 0 && written == bytes ? 0 : -1;
}

int hostfile_write(const char *path, const uint8_t *data, size_t bytes)
{
    char *part;

    if (asprintf(&part, "%s.part", path) < 0)
        return -1;
    int result = write_part(part, data, bytes);
    if (result == 0)
        result = rename(part, path);
    if (result < 0) {
        int saved = errno;
        remove(part);
        errno = saved;
    }
    free(part);
    return result;
}
