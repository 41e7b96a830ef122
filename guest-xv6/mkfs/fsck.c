/* fsck-kmv: tells whether an image of the guest's file system is consistent. It never changes the
 * image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hostfile.h"

#define IMAGE_MAX ((size_t)2 << 30)
#define SHOWN_MAX 1000u

static const char usage_text[] =
    "usage: fsck-kmv [--list] IMAGE\n"
    "Checks a file system image: superblock, log, i-nodes, bitmap, directories, link counts.\n"
    "A committed log is replayed in memory first, as the kernel does at boot; IMAGE stays as it "
    "is.\n"
    "  --list   print the files of a clean image: type, links, size, checksum, path\n"
    "  --help   this text\n"
    "Exit status: 0 clean, 1 damaged or unreadable, 2 usage.\n";

static void print_finding(void *context, bool damage, const char *text)
{
    unsigned *shown = context;

    if (++*shown <= SHOWN_MAX)
        printf("%s%s\n", damage ? "" : "note: ", text);
    else if (*shown == SHOWN_MAX + 1)
        printf("note: more findings are not shown\n");
}

static void print_line(void *context, const char *text)
{
    fprintf(context, "%s\n", text);
}

static int check_image(const char *path, bool list)
{
    struct fs_check check;
    unsigned shown = 0;
    size_t bytes;
    uint8_t *image = hostfile_read(path, IMAGE_MAX, &bytes);

    if (!image) {
        fprintf(stderr, "fsck-kmv: %s: cannot read: %s\n", path, strerror(errno));
        return 1;
    }
    int findings = fs_check_run(&check, image, bytes, print_finding, &shown);
    if (findings < 0)
        fprintf(stderr, "fsck-kmv: %s: not enough memory\n", path);
    if (findings == 0 && list)
        fs_list(&check, print_line, stdout);
    fs_check_end(&check);
    free(image);
    return findings != 0;
}

int main(int argc, char **argv)
{
    bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    const char *path = argc == 2 + list ? argv[1 + list] : NULL;

    if (path && strcmp(path, "--help") == 0) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (!path || strncmp(path, "--", 2) == 0) {
        fprintf(stderr, "fsck-kmv: bad arguments: see fsck-kmv --help\n");
        return 2;
    }
    return check_image(path, list);
}
