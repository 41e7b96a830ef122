/* System calls about open files. */
#include <stddef.h>

#include "cpu.h"
#include "file.h"
#include "inode.h"
#include "pipe.h"
#include "proc.h"
#include "syscall_table.h"
#include "usercopy.h"

/* The n-th argument as an open file; NULL: it isn't one. */
static struct file *arg_file(int n)
{
    int fd;

    if (!arg_int(n, &fd) || fd < 0 || fd >= NOFILE)
        return NULL;
    return proc_self()->files[fd];
}

int file_install(struct file *f)
{
    struct proc *p = proc_self();

    for (int fd = 0; fd < NOFILE; fd++) {
        if (p->files[fd] == NULL) {
            p->files[fd] = f;
            return fd;
        }
    }
    return -1;
}

int sys_dup(void)
{
    struct file *f = arg_file(0);

    if (f == NULL)
        return -1;
    int fd = file_install(f);
    if (fd >= 0)
        file_dup(f);
    return fd;
}

int sys_read(void)
{
    struct file *f = arg_file(0);
    void *to;
    int bytes;

    if (f == NULL || !arg_int(2, &bytes) || !arg_buffer(1, &to, bytes))
        return -1;
    return file_read(f, to, bytes);
}

int sys_write(void)
{
    struct file *f = arg_file(0);
    void *from;
    int bytes;

    if (f == NULL || !arg_int(2, &bytes) || !arg_buffer(1, &from, bytes))
        return -1;
    return file_write(f, from, bytes);
}

int sys_close(void)
{
    struct file *f = arg_file(0);
    int fd;

    if (f == NULL || !arg_int(0, &fd))
        return -1;
    proc_self()->files[fd] = NULL;
    file_close(f);
    return 0;
}

int sys_fstat(void)
{
    struct file *f = arg_file(0);
    struct stat st = {0};
    void *to;

    if (f == NULL || !arg_buffer(1, &to, sizeof(st)) || file_stat(f, &st) < 0)
        return -1;
    return user_copy(to, &st, sizeof(st)) ? 0 : -1;
}

static void uninstall(int fd)
{
    if (fd >= 0)
        proc_self()->files[fd] = NULL;
}

int sys_pipe(void)
{
    struct file *ends[2];
    void *address;
    int fds[2];

    if (!arg_buffer(0, &address, sizeof(fds)) || !pipe_open(&ends[0], &ends[1]))
        return -1;
    fds[0] = file_install(ends[0]);
    fds[1] = fds[0] < 0 ? -1 : file_install(ends[1]);
    if (fds[1] >= 0 && user_copy(address, fds, sizeof(fds)))
        return 0;
    uninstall(fds[0]);
    uninstall(fds[1]);
    file_close(ends[0]);
    file_close(ends[1]);
    return -1;
}
