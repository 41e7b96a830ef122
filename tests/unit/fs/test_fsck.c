/* An image as mkfs builds it is clean; every kind of damage is found by name; hostile images lead
 * nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder.h"
#include "check.h"

#define BLOCKS 300u
#define INODES 40u

enum { SMALL = 2, LARGE = 3 }; /* i-nodes in the order they are added */

struct image {
    uint8_t *data;
    size_t bytes;
    struct fs_check check;
    int findings;
    unsigned notes;
    char text[1 << 16]; /* all findings and notes, a line each */
};

static void gather(void *context, bool damage, const char *text)
{
    struct image *image = context;
    size_t used = strlen(image->text);

    image->notes += !damage;
    snprintf(image->text + used, sizeof(image->text) - used, "%s\n", text);
}

/* A root with a small file, and a large one that has an indirect block. */
static int set_up(void **state)
{
    struct image *image = calloc(1, sizeof(*image));
    struct fs_builder *builder = fs_build_new(BLOCKS, INODES);
    static const uint8_t large[20 * FS_BLOCK_SIZE] = {1};

    assert_non_null(builder);
    assert_int_equal(fs_build_add(builder, "small", "hello", 5), 0);
    assert_int_equal(fs_build_add(builder, "large", large, sizeof(large)), 0);
    const uint8_t *built = fs_build_image(builder, &image->bytes);
    image->data = malloc(image->bytes);
    memcpy(image->data, built, image->bytes);
    fs_build_free(builder);
    *state = image;
    return 0;
}

static int tear_down(void **state)
{
    struct image *image = *state;

    free(image->data);
    free(image);
    return 0;
}

static void run(struct image *image)
{
    image->text[0] = '\0';
    image->notes = 0;
    image->findings = fs_check_run(&image->check, image->data, image->bytes, gather, image);
    fs_check_end(&image->check);
}

static void expect_found(struct image *image, const char *text)
{
    run(image);
    assert_true(image->findings > 0);
    if (!strstr(image->text, text))
        fail_msg("not found: %s\nbut:\n%s", text, image->text);
}

static void expect_clean(struct image *image)
{
    run(image);
    if (image->findings != 0)
        fail_msg("%s", image->text);
}

static struct fs_super *super(struct image *image)
{
    return (struct fs_super *)(image->data + FS_SUPER * FS_BLOCK_SIZE);
}

static void *block(struct image *image, uint32_t number)
{
    return image->data + (size_t)number * FS_BLOCK_SIZE;
}

static struct fs_inode *inode(struct image *image, uint32_t inum)
{
    return (struct fs_inode *)block(image, super(image)->inodestart + inum / FS_INODES_PER_BLOCK) +
           inum % FS_INODES_PER_BLOCK;
}

/* Entries of the root: 0 ".", 1 "..", 2 "small", 3 "large", then free. */
static struct fs_dirent *root_entry(struct image *image, uint32_t index)
{
    return (struct fs_dirent *)block(image, inode(image, FS_ROOT_INODE)->addrs[0]) + index;
}

static void mark(struct image *image, uint32_t number, bool used)
{
    uint8_t *bits = block(image, super(image)->bmapstart);

    bits[number / 8] =
        (uint8_t)((bits[number / 8] & ~(1u << number % 8)) | (unsigned)used << number % 8);
}

static void set_entry(struct image *image, uint32_t index, const char *name, uint32_t inum)
{
    struct fs_dirent *entry = root_entry(image, index);
    struct fs_inode *root = inode(image, FS_ROOT_INODE);
    uint32_t end = (index + 1) * (uint32_t)sizeof(*entry);

    memset(entry, 0, sizeof(*entry));
    memcpy(entry->name, name, strlen(name));
    entry->inum = (uint16_t)inum;
    root->size = root->size > end ? root->size : end;
}

/* A directory in i-node `inum`, in a block of its own, named in the root. */
static struct fs_dirent *add_directory(struct image *image, uint32_t inum, uint32_t number)
{
    struct fs_dirent *entries = block(image, number);

    *inode(image, inum) =
        (struct fs_inode){.type = FS_DIR, .nlink = 1, .size = 32, .addrs = {number}};
    entries[0] = (struct fs_dirent){.inum = (uint16_t)inum, .name = "."};
    entries[1] = (struct fs_dirent){.inum = FS_ROOT_INODE, .name = ".."};
    mark(image, number, true);
    set_entry(image, 4, "sub", inum);
    inode(image, FS_ROOT_INODE)->nlink = 2;
    return entries;
}

static void test_clean(void **state)
{
    struct image *image = *state;

    expect_clean(image);
    assert_int_equal(image->notes, 0);
}

static void test_clean_with_directory(void **state)
{
    struct image *image = *state;

    add_directory(image, 9, BLOCKS - 1);
    expect_clean(image);
}

static void test_superblock(void **state)
{
    struct image *image = *state;
    const struct fs_super good = *super(image);

    super(image)->size = BLOCKS + 1;
    expect_found(image, "superblock: size 301 blocks");
    *super(image) = good;
    super(image)->ninodes = 0;
    expect_found(image, "not a file system");
    *super(image) = good;
    super(image)->logstart = 1;
    expect_found(image, "superblock: log at block 1");
    *super(image) = good;
    super(image)->inodestart = good.logstart + 3;
    expect_found(image, "superblock: i-nodes at block");
    *super(image) = good;
    super(image)->bmapstart = 0xfffffff0;
    expect_found(image, "superblock: bitmap at block 4294967280");
    *super(image) = good;
    super(image)->ninodes = 0xffffffff;
    expect_found(image, "superblock:");
    *super(image) = good;
    expect_clean(image);
}

static void test_short_image(void **state)
{
    struct image *image = *state;

    for (size_t bytes = 0; bytes < 2 * FS_BLOCK_SIZE; bytes += 256) {
        image->bytes = bytes;
        expect_found(image, "too short");
    }
}

static struct fs_log_header *log_header(struct image *image)
{
    return block(image, super(image)->logstart);
}

/* The log holds a repaired block: the image is clean only when the log is replayed. */
static void test_log_is_replayed(void **state)
{
    struct image *image = *state;
    uint32_t home = super(image)->bmapstart;

    memcpy(block(image, super(image)->logstart + 1), block(image, home), FS_BLOCK_SIZE);
    memset(block(image, home), 0, FS_BLOCK_SIZE);
    expect_found(image, "bitmap:");
    *log_header(image) = (struct fs_log_header){.n = 1, .block = {(int32_t)home}};
    expect_clean(image);
    assert_int_equal(image->notes, 1);
}

static void test_bad_log(void **state)
{
    static const int32_t counts[] = {-1, 31, INT32_MAX, INT32_MIN};
    struct image *image = *state;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        log_header(image)->n = counts[i];
        expect_found(image, "log: ");
    }
    *log_header(image) = (struct fs_log_header){.n = 1, .block = {0}};
    expect_found(image, "log: entry 0: block 0");
    log_header(image)->block[0] = BLOCKS;
    expect_found(image, "log: entry 0: block 300");
}

static void test_bad_inode(void **state)
{
    struct image *image = *state;
    const struct fs_inode good = *inode(image, SMALL);

    inode(image, SMALL)->type = 7;
    expect_found(image, "i-node 2: type 7");
    *inode(image, SMALL) = good;
    inode(image, SMALL)->size = FS_FILE_BYTES + 1;
    expect_found(image, "i-node 2: size 71681");
    *inode(image, SMALL) = good;
    inode(image, SMALL)->addrs[0] = BLOCKS;
    expect_found(image, "i-node 2: block address 300");
    inode(image, SMALL)->addrs[0] = FS_SUPER;
    expect_found(image, "i-node 2: block address 1:");
    inode(image, SMALL)->addrs[0] = 0;
    expect_found(image, "i-node 2: no block at byte 0");
    *inode(image, SMALL) = good;
    inode(image, LARGE)->addrs[FS_DIRECT] = UINT32_MAX;
    expect_found(image, "i-node 3: block address 4294967295");
}

static void test_directory_size(void **state)
{
    struct image *image = *state;

    inode(image, FS_ROOT_INODE)->size += 1;
    expect_found(image, "i-node 1: size 65: not a whole number");
}

static void test_shared_block(void **state)
{
    struct image *image = *state;

    inode(image, SMALL)->addrs[0] = inode(image, LARGE)->addrs[3];
    expect_found(image, "used by i-nodes 2 and 3");
}

static void test_bitmap(void **state)
{
    struct image *image = *state;
    uint32_t used = inode(image, SMALL)->addrs[0];

    mark(image, used, false);
    expect_found(image, "marked free, but i-node 2 uses it");
    mark(image, used, true);
    mark(image, BLOCKS - 1, true);
    expect_found(image, "bitmap: block 299: marked used, but no i-node uses it");
    mark(image, BLOCKS - 1, false);
    mark(image, 5, false);
    expect_found(image, "bitmap: block 5: marked free, but holds the file system's own data");
}

static void test_link_count(void **state)
{
    struct image *image = *state;

    inode(image, SMALL)->nlink = 2;
    expect_found(image, "i-node 2: link count 2, but 1 entries");
    inode(image, SMALL)->nlink = -1;
    expect_found(image, "i-node 2: link count -1");
    inode(image, SMALL)->nlink = 2;
    set_entry(image, 4, "other", SMALL);
    expect_clean(image);
}

static void test_lost_file(void **state)
{
    struct image *image = *state;

    root_entry(image, 2)->inum = 0;
    expect_found(image, "i-node 2: no path leads to it, but its link count is 1");
    inode(image, SMALL)->nlink = 0;
    expect_clean(image);
    assert_int_equal(image->notes, 1);
}

static void test_bad_entry(void **state)
{
    struct image *image = *state;

    set_entry(image, 4, "wild", 60000);
    expect_found(image, "directory 1: entry wild: i-node 60000 is not in use");
    set_entry(image, 4, "free", 20);
    expect_found(image, "directory 1: entry free: i-node 20 is not in use");
    set_entry(image, 4, "a/b", SMALL);
    expect_found(image, "entry 'a/b': bad name");
    set_entry(image, 4, "", SMALL);
    expect_found(image, "entry '': bad name");
    set_entry(image, 4, "small", SMALL);
    expect_found(image, "entry small: there twice");
    set_entry(image, 4, "\033[2J", SMALL);
    root_entry(image, 3)->inum = 0;
    set_entry(image, 5, "\033[2J", SMALL);
    expect_found(image, "entry \\x1b[2J: there twice");
}

static void test_dots(void **state)
{
    struct image *image = *state;
    struct fs_dirent *entries = add_directory(image, 9, BLOCKS - 1);

    entries[0].inum = SMALL;
    expect_found(image, "directory 9: entry .: i-node 2 instead of 9");
    entries[0].inum = 9;
    entries[1].inum = 9;
    expect_found(image, "directory 9: entry ..: i-node 9 instead of 1");
    entries[1].inum = 0;
    expect_found(image, "directory 9: entry ..: missing");
}

static void test_two_parents(void **state)
{
    struct image *image = *state;

    add_directory(image, 9, BLOCKS - 1);
    set_entry(image, 5, "again", 9);
    expect_found(image, "i-node 9: directory has two names");
}

static void test_cycle(void **state)
{
    struct image *image = *state;
    struct fs_dirent *entries = add_directory(image, 9, BLOCKS - 1);

    entries[2] = (struct fs_dirent){.inum = 9, .name = "loop"};
    inode(image, 9)->size = 48;
    expect_found(image, "i-node 9: directory has two names");
}

static void test_root_is_no_directory(void **state)
{
    struct image *image = *state;

    inode(image, FS_ROOT_INODE)->type = FS_FILE;
    expect_found(image, "the root is not a directory");
}

static void add_line(void *context, const char *text)
{
    strcat(context, text);
    strcat(context, "\n");
}

static void test_list(void **state)
{
    struct image *image = *state;
    char text[1024] = "";

    add_directory(image, 9, BLOCKS - 1);
    assert_int_equal(fs_check_run(&image->check, image->data, image->bytes, gather, image), 0);
    assert_int_equal(fs_list(&image->check, add_line, text), 0);
    fs_check_end(&image->check);
    assert_non_null(strstr(text, "file 1 5 4f9f2cab /small\n")); /* FNV-1a of "hello" */
    assert_non_null(strstr(text, "file 1 10240 "));
    assert_non_null(strstr(text, "dir 1 - - /sub\n"));
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

struct range {
    size_t start, bytes;
};

static void scribble(struct image *image, const struct range *range, uint32_t *seed)
{
    static const uint8_t telling[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff};

    for (uint32_t i = next_random(seed) % 8; i > 0; i--) {
        uint32_t choice = next_random(seed);
        uint8_t byte = choice % 2 ? telling[choice % sizeof(telling)] : (uint8_t)choice;
        image->data[range->start + next_random(seed) % range->bytes] = byte;
    }
}

/* Bytes in structures are changed at random. The superblock stays good in half of the rounds, for
 * the later passes. */
static void test_hostile_images(void **state)
{
    struct image *image = *state;
    const struct range ranges[] = {
        {super(image)->logstart * FS_BLOCK_SIZE, sizeof(struct fs_log_header)},
        {super(image)->inodestart * FS_BLOCK_SIZE, 5 * sizeof(struct fs_inode)},
        {super(image)->bmapstart * FS_BLOCK_SIZE, BLOCKS / 8},
        {inode(image, FS_ROOT_INODE)->addrs[0] * FS_BLOCK_SIZE, 6 * sizeof(struct fs_dirent)},
        {inode(image, LARGE)->addrs[FS_DIRECT] * FS_BLOCK_SIZE, FS_BLOCK_SIZE},
        {FS_SUPER * FS_BLOCK_SIZE, sizeof(struct fs_super)},
    };
    const unsigned count = sizeof(ranges) / sizeof(ranges[0]);
    uint8_t *good = test_malloc(image->bytes);
    uint32_t seed = 1;
    unsigned damaged = 0;

    memcpy(good, image->data, image->bytes);
    for (unsigned round = 0; round < 4000; round++) {
        memcpy(image->data, good, image->bytes);
        for (unsigned i = 0; i < count - round % 2; i++)
            scribble(image, &ranges[i], &seed);
        run(image);
        damaged += image->findings > 0;
    }
    test_free(good);
    assert_true(damaged > 3900);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_clean),
        CASE(test_clean_with_directory),
        CASE(test_superblock),
        CASE(test_short_image),
        CASE(test_log_is_replayed),
        CASE(test_bad_log),
        CASE(test_bad_inode),
        CASE(test_directory_size),
        CASE(test_shared_block),
        CASE(test_bitmap),
        CASE(test_link_count),
        CASE(test_lost_file),
        CASE(test_bad_entry),
        CASE(test_dots),
        CASE(test_two_parents),
        CASE(test_cycle),
        CASE(test_root_is_no_directory),
        CASE(test_list),
        CASE(test_hostile_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
