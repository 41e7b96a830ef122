#ifndef EXEC_H
#define EXEC_H

#include <stdint.h>

struct argument {
    const char *text;
    uint32_t bytes; /* with its end */
};

/* Replaces the current process's program by the ELF32 file at `path`, with `count` arguments that
 * may lie in its memory. Returns 0, or -1 and the process is as before. */
int exec(const char *path, const struct argument *args, int count);

#endif
