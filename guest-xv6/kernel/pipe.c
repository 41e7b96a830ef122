#include "pipe.h"

#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "kalloc.h"
#include "memlayout.h"
#include "proc.h"
#include "spinlock.h"
#include "usercopy.h"

#define PIPE_SIZE 512 /* a power of two */

/* Counters only grow; the place of n is n % PIPE_SIZE. Readers sleep on &read, writers on &written.
 */
struct pipe {
    struct spinlock lock;
    uint32_t read, written;
    bool reader_open, writer_open;
    char data[PIPE_SIZE];
};
_Static_assert(sizeof(struct pipe) <= PGSIZE, "a pipe is a page");

static struct file *open_end(struct pipe *p, bool write_end)
{
    struct file *f = file_alloc();

    if (f != NULL) {
        f->kind = FILE_PIPE;
        f->readable = !write_end;
        f->writable = write_end;
        f->pipe = p;
    }
    return f;
}

static void discard_end(struct file *f)
{
    if (f != NULL) {
        f->kind = FILE_NONE;
        file_close(f);
    }
}

bool pipe_open(struct file **read_end, struct file **write_end)
{
    struct pipe *p = page_alloc();

    if (p == NULL)
        return false;
    p->lock = SPINLOCK("pipe");
    p->read = p->written = 0;
    p->reader_open = p->writer_open = true;
    *read_end = open_end(p, false);
    *write_end = open_end(p, true);
    if (*read_end != NULL && *write_end != NULL)
        return true;
    discard_end(*read_end);
    discard_end(*write_end);
    page_free(p);
    return false;
}

void pipe_close(struct pipe *p, bool write_end)
{
    spin_lock(&p->lock);
    if (write_end) {
        p->writer_open = false;
        proc_wakeup(&p->read);
    } else {
        p->reader_open = false;
        proc_wakeup(&p->written);
    }
    bool unused = !p->reader_open && !p->writer_open;
    spin_unlock(&p->lock);
    if (unused)
        page_free(p);
}

static uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Moves what fits up to the end of the ring. Returns the number of bytes, 0: the pipe is full, -1:
 * they are lost. */
static int put(struct pipe *p, const char *from, uint32_t bytes)
{
    uint32_t place = p->written % PIPE_SIZE;
    uint32_t room = PIPE_SIZE - (p->written - p->read);
    uint32_t piece = minimum(bytes, minimum(room, PIPE_SIZE - place));

    if (!user_copy(p->data + place, from, piece))
        return -1;
    p->written += piece;
    return (int)piece;
}

/* The same the other way; 0: the pipe is empty. */
static int take(struct pipe *p, char *to, uint32_t bytes)
{
    uint32_t place = p->read % PIPE_SIZE;
    uint32_t piece = minimum(bytes, minimum(p->written - p->read, PIPE_SIZE - place));

    if (!user_copy(to, p->data + place, piece))
        return -1;
    p->read += piece;
    return (int)piece;
}

/* Waits for room in the pipe. false: nobody will ever read, or the process was killed. p->lock is
 * held. */
static bool wait_for_room(struct pipe *p)
{
    while (p->written - p->read == PIPE_SIZE && p->reader_open && !proc_killed()) {
        proc_wakeup(&p->read);
        proc_sleep(&p->written, &p->lock);
    }
    return p->reader_open && !proc_killed();
}

int pipe_write(struct pipe *p, const char *from, int bytes)
{
    int done = 0;
    int piece = 0;

    spin_lock(&p->lock);
    while (done < bytes && piece >= 0 && wait_for_room(p)) {
        piece = put(p, from + done, (uint32_t)(bytes - done));
        if (piece > 0)
            done += piece;
    }
    proc_wakeup(&p->read);
    spin_unlock(&p->lock);
    return done < bytes ? -1 : done;
}

int pipe_read(struct pipe *p, char *to, int bytes)
{
    int piece;
    int done = 0;

    spin_lock(&p->lock);
    while (p->read == p->written && p->writer_open) {
        if (proc_killed()) {
            spin_unlock(&p->lock);
            return -1;
        }
        proc_sleep(&p->read, &p->lock);
    }
    while ((piece = take(p, to + done, (uint32_t)(bytes - done))) > 0)
        done += piece;
    proc_wakeup(&p->written);
    spin_unlock(&p->lock);
    return piece < 0 ? -1 : done;
}
