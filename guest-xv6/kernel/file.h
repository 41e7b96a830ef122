/* Open files: what a file descriptor stands for. */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stdint.h>

struct inode;
struct pipe;
struct stat;

struct file {
    enum { FILE_NONE, FILE_PIPE, FILE_INODE } kind;
    int refs;
    bool readable, writable;
    struct pipe *pipe;
    struct inode *inode;
    uint32_t offset; /* protected by the i-node's lock */
};

void files_init(void);

struct file *file_alloc(void); /* NULL: too many open files */

/* The lowest free descriptor of the current process becomes f. -1: none is free. */
int file_install(struct file *f);

struct file *file_dup(struct file *f);
void file_close(struct file *f);

/* All return -1 on error; read and write the number of bytes. Buffers are checked already. */
int file_stat(struct file *f, struct stat *st);
int file_read(struct file *f, char *to, int bytes);
int file_write(struct file *f, const char *from, int bytes);

#endif
