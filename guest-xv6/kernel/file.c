#include "file.h"

#include <stddef.h>

#include "device.h"
#include "inode.h"
#include "log.h"
#include "param.h"
#include "pipe.h"
#include "spinlock.h"

/* What one operation of the log writes at most, besides the blocks themselves: the i-node, the
 * indirect block, a bitmap block for each new block, and a block more when the data starts inside
 * one. */
#define WRITE_MAX ((MAXOPBLOCKS - 1 - 1 - 2) / 2 * BLOCK_SIZE)

struct device devices[NDEV];

static struct {
    struct spinlock lock; /* protects refs and, of free files, kind */
    struct file files[NFILE];
} table;

void files_init(void)
{
    table.lock = SPINLOCK("files");
}

struct file *file_alloc(void)
{
    struct file *found = NULL;

    spin_lock(&table.lock);
    for (struct file *f = table.files; f < table.files + NFILE && found == NULL; f++) {
        if (f->refs == 0) {
            *f = (struct file){.refs = 1};
            found = f;
        }
    }
    spin_unlock(&table.lock);
    return found;
}

struct file *file_dup(struct file *f)
{
    spin_lock(&table.lock);
    f->refs++;
    spin_unlock(&table.lock);
    return f;
}

void file_close(struct file *f)
{
    struct file last = {.kind = FILE_NONE};

    spin_lock(&table.lock);
    if (--f->refs == 0)
        last = *f;
    spin_unlock(&table.lock);
    if (last.kind == FILE_PIPE) {
        pipe_close(last.pipe, last.writable);
    } else if (last.kind == FILE_INODE) {
        log_begin();
        inode_put(last.inode);
        log_end();
    }
}

int file_stat(struct file *f, struct stat *st)
{
    if (f->kind != FILE_INODE)
        return -1;
    inode_lock(f->inode);
    inode_stat(f->inode, st);
    inode_unlock(f->inode);
    return 0;
}

/* The device that a device file stands for; NULL: there is none. */
static const struct device *device_of(const struct inode *ip)
{
    int major = ip->disk.major;

    return major < 0 || major >= NDEV ? NULL : &devices[major];
}

/* A device is used without the i-node's lock: a read may wait for ever. */
static int device_read(struct file *f, char *to, int bytes)
{
    const struct device *device = device_of(f->inode);

    return device == NULL || device->read == NULL ? -1 : device->read(to, bytes);
}

static int device_write(struct file *f, const char *from, int bytes)
{
    const struct device *device = device_of(f->inode);

    return device == NULL || device->write == NULL ? -1 : device->write(from, bytes);
}

/* An open file's i-node is read already and never changes its type. */
static bool is_device(const struct file *f)
{
    return f->inode->disk.type == TYPE_DEVICE;
}

int file_read(struct file *f, char *to, int bytes)
{
    if (!f->readable)
        return -1;
    if (f->kind == FILE_PIPE)
        return pipe_read(f->pipe, to, bytes);
    if (is_device(f))
        return device_read(f, to, bytes);
    inode_lock(f->inode);
    int done = inode_read(f->inode, to, f->offset, (uint32_t)bytes);
    if (done > 0)
        f->offset += (uint32_t)done;
    inode_unlock(f->inode);
    return done;
}

/* One operation of the log. */
static int write_piece(struct file *f, const char *from, int bytes)
{
    log_begin();
    inode_lock(f->inode);
    int done = inode_write(f->inode, from, f->offset, (uint32_t)bytes);
    if (done > 0)
        f->offset += (uint32_t)done;
    inode_unlock(f->inode);
    log_end();
    return done;
}

int file_write(struct file *f, const char *from, int bytes)
{
    int done = 0;

    if (!f->writable)
        return -1;
    if (f->kind == FILE_PIPE)
        return pipe_write(f->pipe, from, bytes);
    if (is_device(f))
        return device_write(f, from, bytes);
    while (done < bytes) {
        int piece = bytes - done < WRITE_MAX ? bytes - done : WRITE_MAX;
        int written = write_piece(f, from + done, piece);
        if (written != piece)
            return -1;
        done += written;
    }
    return done;
}
