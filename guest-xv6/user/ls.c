/* One line a file: name, type (1 directory, 2 file, 3 device), i-node number, size in bytes. */
#include "user.h"

static const char usage_text[] = "ls [FILE...]";

#define PATH_MAX 512

static const char *last_part(const char *path)
{
    const char *part = path;

    for (; *path; path++) {
        if (path[0] == '/' && path[1] != '\0')
            part = path + 1;
    }
    return part;
}

static void print_entry(const char *name, const struct stat *st)
{
    printf(1, "%s", name);
    for (size_t column = strlen(name); column < NAME_LEN; column++)
        printf(1, " ");
    printf(1, " %d %u %u\n", st->type, st->ino, st->size);
}

static void list_directory(int fd, const char *path)
{
    static char name[PATH_MAX];
    struct dirent entry;
    struct stat st;
    size_t base = strlen(path);

    if (base + 1 + NAME_LEN + 1 > sizeof(name))
        fail("ls", path, "path too long");
    strcpy(name, path);
    if (base > 0 && name[base - 1] != '/')
        name[base++] = '/';
    while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
        if (entry.inum == 0)
            continue;
        memcpy(name + base, entry.name, NAME_LEN);
        name[base + NAME_LEN] = '\0';
        if (stat(name, &st) < 0)
            complain("ls", name, "cannot stat");
        else
            print_entry(name + base, &st);
    }
}

static void list(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        complain("ls", path, "cannot open");
        return;
    }
    if (fstat(fd, &st) < 0)
        complain("ls", path, "cannot stat");
    else if (st.type == T_DIR)
        list_directory(fd, path);
    else
        print_entry(last_part(path), &st);
    close(fd);
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        list(".");
    for (int i = 1; i < argc; i++)
        list(argv[i]);
    exit();
}
