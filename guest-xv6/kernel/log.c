#include "log.h"

#include <stdbool.h>

#include "balloc.h"
#include "bio.h"
#include "console.h"
#include "param.h"
#include "proc.h"
#include "string.h"

static struct {
    struct spinlock lock;
    uint32_t start; /* the header's block; copies follow */
    int capacity;   /* blocks of a transaction at most */
    int operations; /* between log_begin and log_end */
    bool committing;
    struct log_header header; /* blocks of the transaction so far */
} journal = {.lock = {.name = "log"}};

static void write_header(void)
{
    struct buf *b = block_read(journal.start);

    memcpy(b->data, &journal.header, sizeof(journal.header));
    block_write(b);
    block_release(b);
}

static void copy_block(uint32_t to, uint32_t from)
{
    struct buf *source = block_read(from);
    struct buf *target = block_read(to);

    memcpy(target->data, source->data, BLOCK_SIZE);
    block_write(target);
    block_release(target);
    block_release(source);
}

static uint32_t log_place(int i)
{
    return journal.start + 1 + (uint32_t)i;
}

static void copy_to_log(void)
{
    for (int i = 0; i < journal.header.n; i++)
        copy_block(log_place(i), (uint32_t)journal.header.block[i]);
}

/* The cached blocks are newer than or the same as the log's copies only while no crash lies
 * between: after one, they come from the log. */
static void install_from_log(void)
{
    for (int i = 0; i < journal.header.n; i++)
        copy_block((uint32_t)journal.header.block[i], log_place(i));
}

static void install_from_cache(void)
{
    for (int i = 0; i < journal.header.n; i++) {
        struct buf *b = block_read((uint32_t)journal.header.block[i]);
        block_write(b);
        block_unpin(b);
        block_release(b);
    }
}

static void clear_log(void)
{
    journal.header.n = 0;
    write_header();
}

static void recover(void)
{
    struct buf *b = block_read(journal.start);

    memcpy(&journal.header, b->data, sizeof(journal.header));
    block_release(b);
    if (journal.header.n < 0 || journal.header.n > journal.capacity)
        fatal("root disk: log header says %d blocks, at most %d fit", journal.header.n,
              journal.capacity);
    if (journal.header.n > 0) {
        install_from_log();
        clear_log();
    }
}

void log_init(void)
{
    super_read();
    journal.start = super.logstart;
    journal.capacity = super.nlog - 1 < LOG_CAPACITY ? (int)super.nlog - 1 : LOG_CAPACITY;
    if (journal.capacity < MAXOPBLOCKS)
        fatal("root disk: a log of %u blocks, at least %d needed", super.nlog, MAXOPBLOCKS + 1);
    recover();
}

/* Would the transaction still fit with one more operation of full size? */
static bool has_room(void)
{
    return journal.header.n + (journal.operations + 1) * MAXOPBLOCKS <= journal.capacity;
}

void log_begin(void)
{
    spin_lock(&journal.lock);
    while (journal.committing || !has_room())
        proc_sleep(&journal, &journal.lock);
    journal.operations++;
    spin_unlock(&journal.lock);
}

/* The write of the header is the instant at which the transaction happens. */
static void commit(void)
{
    if (journal.header.n == 0)
        return;
    copy_to_log();
    write_header();
    install_from_cache();
    clear_log();
}

void log_end(void)
{
    spin_lock(&journal.lock);
    journal.operations--;
    bool last = journal.operations == 0;
    journal.committing = last;
    if (!last)
        proc_wakeup(&journal); /* one that waits for room may fit now */
    spin_unlock(&journal.lock);
    if (!last)
        return;
    commit();
    spin_lock(&journal.lock);
    journal.committing = false;
    proc_wakeup(&journal);
    spin_unlock(&journal.lock);
}

void log_write(struct buf *b)
{
    int i = 0;

    spin_lock(&journal.lock);
    if (journal.operations < 1)
        panic("log_write: block %u outside an operation", b->block);
    while (i < journal.header.n && journal.header.block[i] != (int32_t)b->block)
        i++;
    if (i == journal.capacity)
        panic("log_write: the transaction has more than %d blocks", journal.capacity);
    if (i == journal.header.n) {
        journal.header.block[journal.header.n++] = (int32_t)b->block;
        block_pin(b);
    }
    spin_unlock(&journal.lock);
}
