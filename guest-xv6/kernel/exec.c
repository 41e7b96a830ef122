#include "exec.h"

#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "elf.h"
#include "fpu.h"
#include "hypervisor.h"
#include "inode.h"
#include "kmap.h"
#include "kmv/note.h"
#include "log.h"
#include "memlayout.h"
#include "path.h"
#include "proc.h"
#include "protect.h"
#include "string.h"
#include "vm.h"

/* A program being put together. */
struct image {
    uint32_t *pgdir;
    uint32_t size;
    uint32_t entry;
    uint32_t stack; /* stack pointer at the start */
    uint32_t window_map;
    bool unprotected;
    bool is_translated; /* carries kmv-translate's note for this machine's OFFSET */
};

static bool read_all(struct inode *ip, void *to, uint32_t offset, uint32_t bytes)
{
    return inode_read(ip, to, offset, bytes) == (int)bytes;
}

/* Reads a segment's bytes from the file into its pages, which are there. */
static bool load_bytes(struct inode *ip, uint32_t *pgdir, const struct program_header *ph)
{
    for (uint32_t done = 0; done < ph->filesz; done += PGSIZE) {
        uint32_t rest = ph->filesz - done;
        char *page = vm_page(pgdir, ph->vaddr + done);

        if (page == NULL || !read_all(ip, page, ph->offset + done, rest < PGSIZE ? rest : PGSIZE))
            return false;
    }
    return true;
}

static bool load_segment(struct inode *ip, struct image *image, const struct program_header *ph)
{
    uint32_t end = ph->vaddr + ph->memsz;

    if (ph->vaddr % PGSIZE != 0 || end < ph->vaddr || ph->memsz < ph->filesz)
        return false;
    if (end > image->size) {
        if (!vm_grow(image->pgdir, image->size, end))
            return false;
        image->size = end;
    }
    return load_bytes(ip, image->pgdir, ph);
}

static uint32_t note_align(uint32_t bytes)
{
    return (bytes + 3) & ~3u;
}

/* Is the note at `offset` of the file kmv-translate's, for this machine's OFFSET? */
static bool is_our_note(struct inode *ip, uint32_t offset, const struct note_header *note,
                        struct kmv_note_desc *desc)
{
    char name[sizeof(KMV_NOTE_NAME)];

    return note->type == KMV_NOTE_TYPE && note->namesz == sizeof(name) &&
           note->descsz >= sizeof(*desc) &&
           read_all(ip, name, offset + sizeof(*note), sizeof(name)) &&
           memcmp(name, KMV_NOTE_NAME, sizeof(name)) == 0 &&
           read_all(ip, desc, offset + sizeof(*note) + note_align(sizeof(name)), sizeof(*desc)) &&
           desc->version == KMV_NOTE_VERSION && desc->offset == mirror_offset();
}

static void read_notes(struct inode *ip, struct image *image, const struct program_header *ph)
{
    struct note_header note;
    struct kmv_note_desc desc;
    uint32_t step;

    for (uint32_t at = 0; at < ph->filesz && ph->filesz - at >= sizeof(note); at += step) {
        if (!read_all(ip, &note, ph->offset + at, sizeof(note)) || note.namesz > ph->filesz ||
            note.descsz > ph->filesz)
            return;
        if (is_our_note(ip, ph->offset + at, &note, &desc)) {
            image->is_translated = true;
            image->window_map = desc.window_map;
        }
        step = sizeof(note) + note_align(note.namesz) + note_align(note.descsz);
    }
}

static bool load_program(struct inode *ip, struct image *image)
{
    struct elf_header elf;
    struct program_header ph;

    if (!read_all(ip, &elf, 0, sizeof(elf)) || elf.magic != ELF_MAGIC ||
        elf.phentsize != sizeof(ph))
        return false;
    for (uint32_t i = 0; i < elf.phnum; i++) {
        if (!read_all(ip, &ph, elf.phoff + i * sizeof(ph), sizeof(ph)))
            return false;
        if (ph.type == PT_NOTE)
            read_notes(ip, image, &ph);
        else if (ph.type == PT_LOAD && !load_segment(ip, image, &ph))
            return false;
    }
    image->entry = elf.entry;
    return true;
}

static bool load_file(const char *path, struct image *image)
{
    bool ok = false;

    log_begin();
    struct inode *ip = path_find(path);
    if (ip != NULL) {
        inode_lock(ip);
        ok = ip->disk.type == TYPE_FILE && load_program(ip, image);
        inode_unlock_put(ip);
    }
    log_end();
    return ok;
}

/* A guard page and a stack page behind the program. */
static bool add_stack(struct image *image)
{
    uint32_t guard = PGROUNDUP(image->size);

    if (!vm_grow(image->pgdir, guard, guard + 2 * PGSIZE))
        return false;
    vm_guard(image->pgdir, guard);
    image->size = guard + 2 * PGSIZE;
    image->stack = image->size;
    return true;
}

static bool push(struct image *image, const void *from, uint32_t bytes)
{
    if (bytes > image->stack % PGSIZE && image->stack != image->size)
        return false;
    if (bytes > PGSIZE)
        return false;
    image->stack = (image->stack - bytes) & ~3u;
    return vm_copyout(image->pgdir, image->stack, from, bytes);
}

/* Puts the strings on the stack, then the argument array, then main's frame: return address, argc,
 * argv. */
static bool push_arguments(struct image *image, const struct argument *args, int count)
{
    uint32_t addresses[MAXARG + 1];
    uint32_t frame[3] = {0xFFFFFFFF}; /* no way back from main */

    for (int i = 0; i < count; i++) {
        if (!push(image, args[i].text, args[i].bytes))
            return false;
        addresses[i] = image->stack;
    }
    addresses[count] = 0;
    if (!push(image, addresses, ((uint32_t)count + 1) * sizeof(addresses[0])))
        return false;
    frame[1] = (uint32_t)count;
    frame[2] = image->stack;
    return push(image, frame, sizeof(frame));
}

static const char *last_element(const char *path)
{
    const char *name = path;

    for (; *path != '\0'; path++) {
        if (*path == '/')
            name = path + 1;
    }
    return name;
}

/* What it writes has no mirror: nobody shall take it for protected. */
static bool run_unprotected(struct image *image, const char *path)
{
    image->unprotected = machine_is_mirrored() && !image->is_translated;
    if (!image->unprotected)
        return true;
    kprintf("exec: %s: not translated for OFFSET 0x%x: its memory is not protected\n", path,
            mirror_offset());
    return protect_set(image->pgdir, 0, image->size, false);
}

/* The point of no return. */
static void become(const struct image *image, const char *path)
{
    struct proc *p = proc_self();
    uint32_t *old = p->pgdir;
    uint32_t old_size = p->size;
    bool was_unprotected = p->unprotected;

    copy_string(p->name, last_element(path), sizeof(p->name));
    p->size = image->size;
    p->tf->eip = image->entry;
    p->tf->esp = image->stack;
    p->tf->edx = kmv_vector_bytes;
    fpu_reset();
    irq_push();
    p->pgdir = image->pgdir;
    p->window_map = image->window_map;
    cpu_self()->windows.user = p->window_map;
    pgdir_load(image->pgdir);
    p->other_pgdir = old;
    p->unprotected = image->unprotected;
    irq_pop();
    if (was_unprotected)
        protect_set(old, 0, old_size, true);
    vm_free(old);
}

int exec(const char *path, const struct argument *args, int count)
{
    struct image image = {.pgdir = vm_new()};

    if (image.pgdir == NULL)
        return -1;
    proc_self()->other_pgdir = image.pgdir;
    bool ok = load_file(path, &image) && add_stack(&image) && push_arguments(&image, args, count) &&
              run_unprotected(&image, path);
    if (ok)
        become(&image, path);
    else
        vm_free(image.pgdir);
    proc_self()->other_pgdir = NULL;
    return ok ? 0 : -1;
}
