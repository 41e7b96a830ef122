/* mkfs and fsck-kmv as a person runs them, and the builder's limits. */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "check.h"

static char folder[] = SCRATCH "/scratch.XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

/* Runs a shell command in which $D is the scratch folder; what it prints goes to output, its exit
 * status is returned. */
static int shell(char *output, size_t bytes, const char *command)
{
    char *line;

    assert_true(asprintf(&line, "D='%s'; { %s; } 2>&1", folder, command) > 0);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t got = fread(output, 1, bytes - 1, pipe);
    output[got] = '\0';
    free(line);
    return WEXITSTATUS(pclose(pipe));
}

static void expect(const char *command, int status, const char *text)
{
    char output[8192];
    int got = shell(output, sizeof(output), command);

    if (got != status || !strstr(output, text))
        fail_msg("%s: exit %d instead of %d, or no '%s' in:\n%s", command, got, status, text,
                 output);
}

static int remove_folder(void **state)
{
    char output[256];

    (void)state;
    return shell(output, sizeof(output), "rm -r $D");
}

static void test_round_trip(void **state)
{
    (void)state;
    expect("echo hello > $D/_cat; : > $D/empty; head -c 71680 /dev/zero > $D/full;" MKFS
           " $D/img $D/_cat $D/empty $D/full && " FSCK " --list $D/img",
           0, "file 1 6 ");
    expect(FSCK " --list $D/img", 0, " /cat\n");
    expect(FSCK " --list $D/img", 0, "file 1 0 811c9dc5 /empty\n");
    expect(FSCK " --list $D/img", 0, "file 1 71680 ");
    expect("stat -c %s $D/img", 0, "1024000\n");
}

static void test_many_files(void **state)
{
    (void)state;
    expect("mkdir $D/m; for i in $(seq 150); do echo $i > $D/m/f$i; done; " MKFS
           " $D/img $D/m/* && " FSCK " --list $D/img | wc -l",
           0, "150\n");
}

static void test_large_bitmap(void **state)
{
    (void)state;
    expect("echo x > $D/x; " MKFS " --size 20000 --inodes 1000 $D/big $D/x && " FSCK
           " --list $D/big",
           0, "file 1 2 ");
}

static void test_errors(void **state)
{
    (void)state;
    expect("head -c 71681 /dev/zero > $D/long; rm -f $D/img; " MKFS " $D/img $D/long", 1,
           "at most 71680 bytes");
    expect(MKFS " $D/img $D/missing", 1, "mkfs: ");
    expect("echo > $D/fifteen-letters; " MKFS " $D/img $D/fifteen-letters", 1, "bad file name");
    expect("echo > $D/_same; echo > $D/same; " MKFS " $D/img $D/_same $D/same", 1, "rename one");
    expect("head -c 60000 /dev/zero > $D/large; " MKFS " --size 100 $D/img $D/large", 1,
           "disk full");
    expect("echo > $D/a; echo > $D/b; " MKFS " --inodes 3 $D/img $D/a $D/b", 1, "more --inodes");
    expect(MKFS " --size 20 $D/img", 1, "no room for data");
    expect(MKFS " --size 4294967295 $D/img", 1, "out of range");
    expect(MKFS " $D/no-such-folder/img", 1, "cannot write");
    expect("ls $D/img* 2>/dev/null; true", 0, "");
    char output[256];
    shell(output, sizeof(output), "ls $D | grep -E 'img|part'");
    assert_string_equal(output, "");
}

static void test_existing_image_survives_an_error(void **state)
{
    (void)state;
    expect("echo old > $D/keep; " MKFS " $D/keep $D/missing; cat $D/keep", 0, "old\n");
}

static void test_usage(void **state)
{
    (void)state;
    expect(MKFS, 2, "mkfs --help");
    expect(MKFS " --size ten img", 2, "mkfs --help");
    expect(MKFS " --size 4294967296 img", 2, "mkfs --help");
    expect(MKFS " --frob img", 2, "mkfs --help");
    expect(MKFS " --help", 0, "usage: mkfs");
    expect(FSCK, 2, "fsck-kmv --help");
    expect(FSCK " --frob", 2, "fsck-kmv --help");
    expect(FSCK " a b", 2, "fsck-kmv --help");
    expect(FSCK " --help", 0, "usage: fsck-kmv");
    expect(FSCK " $D/missing", 1, "cannot read");
}

static void test_fsck_reports_damage(void **state)
{
    (void)state;
    expect(MKFS " $D/img && printf '\\377' | dd of=$D/img bs=1 seek=$((58 * 512 + 100)) "
                "conv=notrunc status=none;" FSCK " $D/img",
           1, "marked used, but no i-node uses it");
    expect("head -c 3 /dev/zero > $D/tiny; " FSCK " $D/tiny", 1, "too short");
}

static void test_builder_limits(void **state)
{
    (void)state;
    assert_null(fs_build_new(10, 200));
    assert_null(fs_build_new(2000, 1));
    assert_null(fs_build_new(2000, 65536));
    struct fs_builder *builder = fs_build_new(2000, 200);
    assert_int_equal(fs_build_add(builder, "", "x", 1), -1);
    assert_int_equal(fs_build_add(builder, ".", "x", 1), -1);
    assert_int_equal(fs_build_add(builder, "a/b", "x", 1), -1);
    assert_int_equal(fs_build_add(builder, "fourteen-bytes", "x", 1), 0);
    fs_build_free(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_large_bitmap),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_existing_image_survives_an_error),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_fsck_reports_damage),
        cmocka_unit_test(test_builder_limits),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
