/* No DMA: a device that writes memory itself would go past the mirror. */
#include "ide.h"

#include <stddef.h>
#include <stdint.h>

#include "bio.h"
#include "console.h"
#include "ioapic.h"
#include "param.h"
#include "proc.h"
#include "trap.h"
#include "x86.h"

/* ATA registers of the primary channel. */
enum {
    PORT_DATA = 0x1F0,
    PORT_COUNT = 0x1F2,
    PORT_LBA0 = 0x1F3,
    PORT_LBA1 = 0x1F4,
    PORT_LBA2 = 0x1F5,
    PORT_DEVICE = 0x1F6,
    PORT_COMMAND = 0x1F7, /* read: status */
    PORT_CONTROL = 0x3F6,
};

#define STATUS_BSY 0x80
#define STATUS_RDY 0x40
#define STATUS_DF  0x20
#define STATUS_DRQ 0x08
#define STATUS_ERR 0x01

#define COMMAND_READ  0x20
#define COMMAND_WRITE 0x30

#define DEVICE_LBA (0xE0 | ROOTDEV << 4)

#define MAX_LBA28   0x10000000
#define PROBE_LIMIT 100000
#define RETRIES     3

/* Blocks to transfer; the first is the one that the disk works on. */
static struct {
    struct spinlock lock;
    struct buf *first;
    int failures; /* of the first */
} queue = {.lock = {.name = "disk"}};

static uint8_t wait_not_busy(void)
{
    uint8_t status;

    while ((status = inb(PORT_COMMAND)) & STATUS_BSY)
        cpu_relax();
    return status;
}

static void probe(void)
{
    outb(PORT_DEVICE, DEVICE_LBA);
    for (int i = 0; i < PROBE_LIMIT; i++) {
        uint8_t status = inb(PORT_COMMAND);
        if (status != 0xFF && (status & (STATUS_BSY | STATUS_RDY)) == STATUS_RDY)
            return;
    }
    fatal("no root disk: attach one as IDE disk %d (primary slave)", ROOTDEV);
}

void ide_init(void)
{
    probe();
    outb(PORT_CONTROL, 0); /* interrupts on */
    ioapic_route(IRQ_IDE, VECTOR_IRQ0 + IRQ_IDE);
}

/* Gives the disk the first command of the queue. */
static void start(void)
{
    struct buf *b = queue.first;

    wait_not_busy();
    outb(PORT_COUNT, 1);
    outb(PORT_LBA0, b->block & 0xFF);
    outb(PORT_LBA1, b->block >> 8 & 0xFF);
    outb(PORT_LBA2, b->block >> 16 & 0xFF);
    outb(PORT_DEVICE, DEVICE_LBA | (b->block >> 24 & 0x0F));
    outb(PORT_COMMAND, b->disk_write ? COMMAND_WRITE : COMMAND_READ);
    if (b->disk_write) {
        while ((wait_not_busy() & (STATUS_DRQ | STATUS_ERR | STATUS_DF)) == 0)
            cpu_relax();
        outsl(PORT_DATA, b->data, BLOCK_SIZE / 4);
    }
}

static void enqueue(struct buf *b)
{
    struct buf **end = &queue.first;

    b->disk_queue = NULL;
    b->disk_done = false;
    while (*end != NULL)
        end = &(*end)->disk_queue;
    *end = b;
}

void ide_transfer(struct buf *b, bool write)
{
    if (b->block >= MAX_LBA28)
        fatal("disk block %u: the disk is not that large", b->block);
    b->disk_write = write;
    spin_lock(&queue.lock);
    enqueue(b);
    if (queue.first == b)
        start();
    while (!b->disk_done)
        proc_sleep(b, &queue.lock);
    spin_unlock(&queue.lock);
}

static void finish(struct buf *b)
{
    b->disk_done = true;
    proc_wakeup(b);
    queue.first = b->disk_queue;
    queue.failures = 0;
    if (queue.first != NULL)
        start();
}

void ide_interrupt(void)
{
    spin_lock(&queue.lock);
    struct buf *b = queue.first;
    uint8_t status = wait_not_busy(); /* reading it also takes the interrupt back */
    bool failed = (status & (STATUS_ERR | STATUS_DF)) != 0;

    if (b != NULL && failed) {
        if (++queue.failures > RETRIES)
            fatal("disk block %u: %s error, status 0x%x", b->block,
                  b->disk_write ? "write" : "read", status);
        start();
    } else if (b != NULL) {
        if (!b->disk_write)
            insl(PORT_DATA, b->data, BLOCK_SIZE / 4);
        finish(b);
    }
    spin_unlock(&queue.lock);
}
