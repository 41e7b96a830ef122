#ifndef EXEC_H
#define EXEC_H

/* Replaces the current process's program by the ELF32 file at `path`, with arguments argv (ends
 * with a null pointer). Returns 0, or -1 and the process is as before. */
int exec(const char *path, char *const argv[]);

#endif
