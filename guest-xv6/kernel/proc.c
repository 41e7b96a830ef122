/* Processes: creation, exit, wait, kill. */
#include "proc.h"

#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "exec.h"
#include "file.h"
#include "fpu.h"
#include "inode.h"
#include "kalloc.h"
#include "log.h"
#include "memlayout.h"
#include "path.h"
#include "proctable.h"
#include "protect.h"
#include "string.h"
#include "vm.h"
#include "x86.h"

extern void trapret(void); /* vectors.S */

static struct proc *first_process;
static const char *first_path;

static struct proc *take_slot(void)
{
    static int next_pid = 1;
    struct proc *found = NULL;

    spin_lock(&proc_lock);
    for (struct proc *p = procs; p < procs + NPROC && found == NULL; p++) {
        if (p->state == UNUSED) {
            found = p;
            p->state = EMBRYO;
            p->pid = next_pid++;
        }
    }
    spin_unlock(&proc_lock);
    return found;
}

static void give_slot_back(struct proc *p)
{
    spin_lock(&proc_lock);
    p->state = UNUSED;
    spin_unlock(&proc_lock);
}

/* Where a new process starts in the kernel, called as if by swtch; goes on to trapret. */
static void process_begin(void)
{
    fpu_restore(proc_self());
    spin_unlock(&proc_lock);
}

/* Forges a kernel stack: trap frame at the top, below it the return into trapret, below it a
 * context that starts at `begin`. */
static void forge_stack(struct proc *p, void (*begin)(void))
{
    char *top = p->kstack + PGSIZE;

    top -= sizeof(struct trapframe);
    p->tf = (struct trapframe *)top;
    top -= sizeof(uint32_t);
    *(uint32_t *)top = (uint32_t)trapret;
    top -= sizeof(struct context);
    p->context = (struct context *)top;
    *p->context = (struct context){.eip = (uint32_t)begin};
    *(uint32_t *)p->kstack = KSTACK_MAGIC;
}

/* A process with a kernel stack, and nothing else; NULL: no slot or no memory. */
static struct proc *proc_alloc(void (*begin)(void))
{
    struct proc *p = take_slot();

    if (p == NULL)
        return NULL;
    p->kstack = page_alloc();
    if (p->kstack == NULL) {
        give_slot_back(p);
        return NULL;
    }
    p->killed = false;
    p->channel = NULL;
    p->parent = NULL;
    forge_stack(p, begin);
    return p;
}

static void proc_discard(struct proc *p)
{
    page_free(p->kstack);
    give_slot_back(p);
}

static void make_runnable(struct proc *p)
{
    spin_lock(&proc_lock);
    p->state = RUNNABLE;
    spin_unlock(&proc_lock);
}

/* The first process: file systems can be opened only by a process, since reading the disk means
 * sleeping. */
static void first_begin(void)
{
    struct argument args[] = {{first_path, strlen(first_path) + 1}};
    struct proc *p = proc_self();

    spin_unlock(&proc_lock);
    sti();
    log_init();
    inodes_reclaim();
    p->cwd = inode_get(ROOT_INODE);
    if (exec(first_path, args, 1) < 0)
        fatal("cannot run %s: is it on the root disk?", first_path);
}

static void init_user_frame(struct trapframe *tf)
{
    memset(tf, 0, sizeof(*tf));
    tf->cs = SEL_UCODE;
    tf->ds = tf->es = tf->ss = SEL_UDATA;
    tf->eflags = EFLAGS_IF;
}

void proc_start_first(const char *path)
{
    struct proc *p = proc_alloc(first_begin);

    if (p == NULL || (p->pgdir = vm_new()) == NULL)
        fatal("no memory for the first process");
    first_process = p;
    first_path = path;
    init_user_frame(p->tf);
    make_runnable(p);
}

int proc_resize(int bytes)
{
    struct proc *p = proc_self();
    uint32_t new_size = p->size + (uint32_t)bytes;

    if (bytes > 0) {
        if (new_size < p->size)
            return -1;
        if (!vm_grow(p->pgdir, p->size, new_size)) {
            vm_flush();
            return -1;
        }
        if (p->unprotected && !protect_set(p->pgdir, PGROUNDUP(p->size), new_size, false)) {
            vm_shrink(p->pgdir, new_size, p->size);
            vm_flush();
            return -1;
        }
    } else if (bytes < 0) {
        if (new_size > p->size)
            return -1;
        if (p->unprotected)
            protect_set(p->pgdir, PGROUNDUP(new_size), p->size, true);
        vm_shrink(p->pgdir, p->size, new_size);
        vm_flush();
    }
    p->size = new_size;
    return 0;
}

static void share_files(struct proc *child, struct proc *parent)
{
    for (int fd = 0; fd < NOFILE; fd++)
        child->files[fd] = parent->files[fd] == NULL ? NULL : file_dup(parent->files[fd]);
    child->cwd = inode_dup(parent->cwd);
}

int proc_fork(void)
{
    struct proc *parent = proc_self();
    struct proc *child = proc_alloc(process_begin);

    if (child == NULL)
        return -1;
    child->window_map = parent->window_map;
    child->unprotected = parent->unprotected;
    child->pgdir = vm_copy(parent->pgdir, parent->size);
    if (child->pgdir == NULL ||
        (child->unprotected && !protect_set(child->pgdir, 0, parent->size, false))) {
        if (child->pgdir != NULL)
            vm_free(child->pgdir);
        child->pgdir = NULL;
        proc_discard(child);
        return -1;
    }
    child->size = parent->size;
    child->parent = parent;
    *child->tf = *parent->tf;
    child->tf->eax = 0;
    fpu_save(child);
    share_files(child, parent);
    copy_string(child->name, parent->name, sizeof(child->name));
    int pid = child->pid;
    make_runnable(child);
    return pid;
}

static void close_files(struct proc *p)
{
    for (int fd = 0; fd < NOFILE; fd++) {
        if (p->files[fd] != NULL) {
            file_close(p->files[fd]);
            p->files[fd] = NULL;
        }
    }
    log_begin();
    inode_put(p->cwd);
    log_end();
    p->cwd = NULL;
}

/* Children of a process that ends belong to the first process. proc_lock is held. */
static void give_children_away(struct proc *p)
{
    for (struct proc *child = procs; child < procs + NPROC; child++) {
        if (child->parent == p && child->state != UNUSED) {
            child->parent = first_process;
            if (child->state == ZOMBIE)
                proc_wakeup_locked(first_process);
        }
    }
}

void proc_exit(void)
{
    struct proc *p = proc_self();

    if (p == first_process)
        panic("the first process has ended");
    close_files(p);
    spin_lock(&proc_lock);
    give_children_away(p);
    proc_wakeup_locked(p->parent);
    p->state = ZOMBIE;
    proc_switch_away();
    panic("an ended process runs");
}

/* Takes a child that has ended out of the table and leaves what it still owns in *gone. Returns its
 * pid, 0 when all children live, -1 when there are none. proc_lock is held. */
static int take_zombie(const struct proc *parent, struct proc *gone)
{
    int result = -1;

    for (struct proc *p = procs; p < procs + NPROC; p++) {
        if (p->parent != parent || p->state == UNUSED)
            continue;
        result = 0;
        if (p->state == ZOMBIE) {
            *gone = *p;
            p->pgdir = NULL;
            p->parent = NULL;
            p->state = UNUSED;
            return gone->pid;
        }
    }
    return result;
}

int proc_wait(void)
{
    struct proc *self = proc_self();
    struct proc gone;
    int pid;

    spin_lock(&proc_lock);
    while ((pid = take_zombie(self, &gone)) == 0 && !self->killed)
        proc_sleep(self, &proc_lock);
    spin_unlock(&proc_lock);
    if (pid <= 0)
        return -1;
    self->other_pgdir = gone.pgdir;
    page_free(gone.kstack);
    if (gone.unprotected)
        protect_set(gone.pgdir, 0, gone.size, true);
    vm_free(gone.pgdir);
    self->other_pgdir = NULL;
    return pid;
}

int proc_kill(int pid)
{
    int result = -1;

    spin_lock(&proc_lock);
    for (struct proc *p = procs; p < procs + NPROC; p++) {
        /* Without the first process nobody takes in orphans: it can't be killed. */
        if (p->pid != pid || p->state == UNUSED || p->state == ZOMBIE || p == first_process)
            continue;
        p->killed = true;
        if (p->state == SLEEPING)
            p->state = RUNNABLE;
        result = 0;
    }
    spin_unlock(&proc_lock);
    return result;
}

bool proc_killed(void)
{
    return proc_self()->killed;
}

void proc_dump(void)
{
    static const char *const names[] = {"unused", "embryo", "sleep", "runnable", "run", "zombie"};

    for (const struct proc *p = procs; p < procs + NPROC; p++) {
        if (p->state != UNUSED)
            kprintf("%d %s %s\n", p->pid, names[p->state], p->name);
    }
}
