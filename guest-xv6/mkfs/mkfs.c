/* mkfs: makes a disk image of the guest's file system with some files in its root directory. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "format.h"
#include "hostfile.h"

static const char usage_text[] =
    "usage: mkfs [--size BLOCKS] [--inodes N] IMAGE [FILE...]\n"
    "Makes IMAGE, a file system of 512-byte blocks, with FILEs in its root directory.\n"
    "A leading underscore of a file's name is dropped.\n"
    "  --size BLOCKS  size of the image (default 2000)\n"
    "  --inodes N     i-nodes, one a file or directory, number 0 is not used (default 200)\n"
    "  --help         this text\n"
    "Exit status: 0 done, 1 error (IMAGE is left as it was), 2 usage.\n";

struct options {
    uint32_t blocks, inodes;
};

static int usage_error(void)
{
    fprintf(stderr, "mkfs: bad arguments: see mkfs --help\n");
    return 2;
}

static int parse_number(const char *text, uint32_t *value)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || number > UINT32_MAX)
        return -1;
    *value = (uint32_t)number;
    return 0;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"size", required_argument, NULL, 's'},
        {"inodes", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        if (option == 'h') {
            fputs(usage_text, stdout);
            return 0;
        }
        uint32_t *value = option == 's' ? &options->blocks : &options->inodes;
        if (option == '?' || parse_number(optarg, value) < 0)
            return usage_error();
    }
    return optind < argc ? -1 : usage_error();
}

static int add_file(struct fs_builder *builder, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t bytes;
    uint8_t *data = hostfile_read(path, FS_FILE_BYTES, &bytes);

    if (!data) {
        fprintf(stderr, "mkfs: %s: cannot read: %s\n", path,
                errno == EFBIG ? "a file holds at most 71680 bytes" : strerror(errno));
        return -1;
    }
    int result = fs_build_add(builder, name[0] == '_' ? name + 1 : name, data, bytes);
    if (result < 0)
        fprintf(stderr, "mkfs: %s: %s\n", path, fs_build_error());
    free(data);
    return result;
}

static int make_image(struct fs_builder *builder, const char *path, char **files, int count)
{
    size_t bytes;

    for (int i = 0; i < count; i++) {
        if (add_file(builder, files[i]) < 0)
            return 1;
    }
    const uint8_t *image = fs_build_image(builder, &bytes);
    if (hostfile_write(path, image, bytes) < 0) {
        fprintf(stderr, "mkfs: %s: cannot write: %s\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.blocks = 2000, .inodes = 200};
    int status = parse_options(argc, argv, &options);

    if (status >= 0)
        return status;
    struct fs_builder *builder = fs_build_new(options.blocks, options.inodes);
    if (!builder) {
        fprintf(stderr, "mkfs: %s: %s\n", argv[optind], fs_build_error());
        return 1;
    }
    status = make_image(builder, argv[optind], argv + optind + 1, argc - optind - 1);
    fs_build_free(builder);
    return status;
}
