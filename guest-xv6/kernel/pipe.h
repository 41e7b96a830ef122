/* Pipes. */
#ifndef PIPE_H
#define PIPE_H

#include <stdbool.h>

struct file;
struct pipe;

/* Makes a pipe and its two ends. false: too many files or out of memory. */
bool pipe_open(struct file **read_end, struct file **write_end);
void pipe_close(struct pipe *p, bool write_end);

/* Bytes moved, or -1: the other end is closed (write) or the process was killed. */
int pipe_read(struct pipe *p, char *to, int bytes);
int pipe_write(struct pipe *p, const char *from, int bytes);

#endif
