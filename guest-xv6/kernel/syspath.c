/* System calls about names: files and directories by path, and exec. */
#include <stddef.h>

#include "cpu.h"
#include "exec.h"
#include "file.h"
#include "inode.h"
#include "log.h"
#include "path.h"
#include "proc.h"
#include "syscall.h"
#include "syscall_table.h"
#include "usercopy.h"
#include "vm.h"

/* Takes dir new names? Not when it is being deleted: they would be lost. */
static bool can_enter(const struct inode *dir)
{
    return dir->disk.type == TYPE_DIR && dir->disk.nlink > 0;
}

/* Enters a name for ip, whose count of names is up already. */
static int add_name(const char *path, const struct inode *ip)
{
    char name[NAME_SIZE];
    struct inode *dir = path_parent(path, name);
    int result = -1;

    if (dir == NULL)
        return -1;
    inode_lock(dir);
    if (can_enter(dir) && dir_find(dir, name, NULL) == 0 && dir_add(dir, name, ip->inum))
        result = 0;
    inode_unlock_put(dir);
    return result;
}

static void change_link_count(struct inode *ip, int by)
{
    inode_lock(ip);
    ip->disk.nlink = (int16_t)(ip->disk.nlink + by);
    inode_update(ip);
    inode_unlock(ip);
}

static int link_inode(struct inode *ip, const char *new_path)
{
    inode_lock(ip);
    bool linkable = ip->disk.type != TYPE_DIR && ip->disk.nlink < INT16_MAX;
    inode_unlock(ip);
    if (!linkable)
        return -1;
    change_link_count(ip, 1);
    int result = add_name(new_path, ip);
    if (result < 0)
        change_link_count(ip, -1);
    return result;
}

int sys_link(void)
{
    char old_path[MAXPATH], new_path[MAXPATH];
    int result = -1;

    if (!arg_path(0, old_path) || !arg_path(1, new_path))
        return -1;
    log_begin();
    struct inode *ip = path_find(old_path);
    if (ip != NULL) {
        result = link_inode(ip, new_path);
        inode_put(ip);
    }
    log_end();
    return result;
}

/* Takes the entry of ip at `offset` out of dir. Both are locked. */
static int remove_name(struct inode *dir, struct inode *ip, uint32_t offset)
{
    if (ip->disk.type == TYPE_DIR && !dir_is_empty(ip))
        return -1;
    dir_remove(dir, offset);
    if (ip->disk.type == TYPE_DIR) { /* its .. named dir */
        dir->disk.nlink--;
        inode_update(dir);
    }
    ip->disk.nlink--;
    inode_update(ip);
    return 0;
}

/* dir is locked. */
static int unlink_in(struct inode *dir, const char name[NAME_SIZE])
{
    uint32_t offset;

    if (dir->disk.type != TYPE_DIR || name_is(name, ".") || name_is(name, ".."))
        return -1;
    uint32_t inum = dir_find(dir, name, &offset);
    struct inode *ip = inum == 0 ? NULL : inode_get(inum);
    if (ip == NULL)
        return -1;
    inode_lock(ip);
    int result = remove_name(dir, ip, offset);
    inode_unlock_put(ip);
    return result;
}

int sys_unlink(void)
{
    char name[NAME_SIZE];
    char path[MAXPATH];
    int result = -1;

    if (!arg_path(0, path))
        return -1;
    log_begin();
    struct inode *dir = path_parent(path, name);
    if (dir != NULL) {
        inode_lock(dir);
        result = unlink_in(dir, name);
        inode_unlock_put(dir);
    }
    log_end();
    return result;
}

/* Gives a new directory its . and .., whose names are counted except for . itself. */
static bool fill_directory(struct inode *ip, struct inode *parent)
{
    static const char dot[NAME_SIZE] = ".", dotdot[NAME_SIZE] = "..";

    return dir_add(ip, dot, ip->inum) && dir_add(ip, dotdot, parent->inum);
}

/* Enters the new i-node ip, locked, into dir. false: no space; then ip has no name and goes away
 * with its last reference. */
static bool enter_new(struct inode *dir, struct inode *ip, const char name[NAME_SIZE])
{
    bool is_dir = ip->disk.type == TYPE_DIR;
    bool ok = (!is_dir || fill_directory(ip, dir)) && dir_add(dir, name, ip->inum);

    ip->disk.nlink = ok ? 1 : 0;
    inode_update(ip);
    if (ok && is_dir) {
        dir->disk.nlink++;
        inode_update(dir);
    }
    return ok;
}

/* A new i-node named `name` in dir, which is locked; locked. NULL: no space. */
static struct inode *create_in(struct inode *dir, const char name[NAME_SIZE],
                               const struct disk_inode *model)
{
    struct inode *ip = inode_alloc((enum file_type)model->type);

    if (ip == NULL)
        return NULL;
    inode_lock(ip);
    ip->disk.major = model->major;
    ip->disk.minor = model->minor;
    if (enter_new(dir, ip, name))
        return ip;
    inode_unlock_put(ip);
    return NULL;
}

/* An existing i-node serves when a file is asked for and it is one, or a device. Locked then, else
 * NULL. */
static struct inode *accept_existing(struct inode *ip, int16_t type)
{
    if (ip == NULL)
        return NULL;
    inode_lock(ip);
    if (type == TYPE_FILE && (ip->disk.type == TYPE_FILE || ip->disk.type == TYPE_DEVICE))
        return ip;
    inode_unlock_put(ip);
    return NULL;
}

/* The i-node of a path, made after `model` (type, major, minor) if it isn't there; locked. NULL:
 * not possible. */
static struct inode *create(const char *path, const struct disk_inode *model)
{
    char name[NAME_SIZE];
    struct inode *dir = path_parent(path, name);
    struct inode *existing = NULL;
    struct inode *ip = NULL;

    if (dir == NULL)
        return NULL;
    inode_lock(dir);
    uint32_t inum = can_enter(dir) ? dir_find(dir, name, NULL) : 0;
    if (inum != 0)
        existing = inode_get(inum);
    else if (can_enter(dir))
        ip = create_in(dir, name, model);
    inode_unlock_put(dir);
    return inum == 0 ? ip : accept_existing(existing, model->type);
}

/* The i-node to open, locked; NULL: not there, or not to be opened so. */
static struct inode *find_to_open(const char *path, int flags)
{
    struct inode *ip;

    if (flags & O_CREATE)
        return create(path, &(struct disk_inode){.type = TYPE_FILE});
    ip = path_find(path);
    if (ip == NULL)
        return NULL;
    inode_lock(ip);
    if (ip->disk.type == TYPE_DIR && flags != O_RDONLY) {
        inode_unlock_put(ip);
        return NULL;
    }
    return ip;
}

/* ip is locked. */
static int open_inode(struct inode *ip, int flags)
{
    struct file *f = file_alloc();
    int fd = f == NULL ? -1 : file_install(f);

    if (fd < 0) {
        if (f != NULL)
            file_close(f);
        return -1;
    }
    if ((flags & O_TRUNC) && ip->disk.type == TYPE_FILE)
        inode_truncate(ip);
    f->kind = FILE_INODE;
    f->inode = inode_dup(ip);
    f->readable = (flags & O_WRONLY) == 0;
    f->writable = (flags & (O_WRONLY | O_RDWR)) != 0;
    return fd;
}

int sys_open(void)
{
    char path[MAXPATH];
    int flags, fd = -1;

    if (!arg_path(0, path) || !arg_int(1, &flags))
        return -1;
    log_begin();
    struct inode *ip = find_to_open(path, flags);
    if (ip != NULL) {
        fd = open_inode(ip, flags);
        inode_unlock_put(ip);
    }
    log_end();
    return fd;
}

static int make_node(const char *path, const struct disk_inode *model)
{
    log_begin();
    struct inode *ip = create(path, model);
    if (ip != NULL)
        inode_unlock_put(ip);
    log_end();
    return ip == NULL ? -1 : 0;
}

int sys_mkdir(void)
{
    char path[MAXPATH];

    if (!arg_path(0, path))
        return -1;
    return make_node(path, &(struct disk_inode){.type = TYPE_DIR});
}

int sys_mknod(void)
{
    char path[MAXPATH];
    int major, minor;

    if (!arg_path(0, path) || !arg_int(1, &major) || !arg_int(2, &minor))
        return -1;
    return make_node(path, &(struct disk_inode){.type = TYPE_DEVICE,
                                                .major = (int16_t)major,
                                                .minor = (int16_t)minor});
}

static int change_directory(struct inode *ip)
{
    struct proc *p = proc_self();

    inode_lock(ip);
    bool is_dir = ip->disk.type == TYPE_DIR;
    inode_unlock(ip);
    if (!is_dir) {
        inode_put(ip);
        return -1;
    }
    inode_put(p->cwd);
    p->cwd = ip;
    return 0;
}

int sys_chdir(void)
{
    char path[MAXPATH];

    if (!arg_path(0, path))
        return -1;
    log_begin();
    struct inode *ip = path_find(path);
    int result = ip == NULL ? -1 : change_directory(ip);
    log_end();
    return result;
}

/* Collects the arguments of exec: an array of strings that ends with a null pointer. Returns their
 * number; -1: something leaves the process's memory, or there are too many. */
static int fetch_arguments(uint32_t array, struct argument args[MAXARG])
{
    for (int i = 0; i < MAXARG; i++) {
        uint32_t va = array + 4 * (uint32_t)i;

        if (!user_range_ok(va, sizeof(char *)) ||
            !user_copy(&args[i].text, (const void *)va, sizeof(char *)))
            return -1;
        if (args[i].text == NULL)
            return i;
        int length = user_string_length((uint32_t)args[i].text);
        if (length < 0)
            return -1;
        args[i].bytes = (uint32_t)length + 1;
    }
    return -1;
}

int sys_exec(void)
{
    struct argument args[MAXARG];
    char path[MAXPATH];
    int array, count;

    if (!arg_path(0, path) || !arg_int(1, &array) ||
        (count = fetch_arguments((uint32_t)array, args)) < 0)
        return -1;
    return exec(path, args, count);
}
