/* mkdir, chdir, unlink of directories, paths. */
#include "usertests.h"

static void test_mkdir(void)
{
    struct stat st;

    CHECK(mkdir("d") == 0);
    CHECK(mkdir("d") == -1);
    CHECK(stat("d", &st) == 0 && st.type == T_DIR);
    CHECK(mkdir("d/e") == 0);
    CHECK(mkdir("no/e") == -1);
    CHECK(count_entries("d") == 3);
    CHECK(unlink("d") == -1); /* not empty */
    CHECK(unlink("d/e") == 0);
    CHECK(unlink("d") == 0);
    CHECK(!exists("d"));
}

static void test_chdir(void)
{
    CHECK(mkdir("d") == 0);
    CHECK(chdir("d") == 0);
    make_file("file", 4, 'c');
    CHECK(chdir("..") == 0);
    check_file("d/file", 4, 'c');
    CHECK(chdir("d/file") == -1);
    CHECK(chdir("missing") == -1);
    CHECK(chdir("") == 0 || exists("d"));
    CHECK(unlink("d/file") == 0 && unlink("d") == 0);
}

static void test_dots_stay(void)
{
    CHECK(mkdir("d") == 0);
    CHECK(chdir("d") == 0);
    CHECK(unlink(".") == -1);
    CHECK(unlink("..") == -1);
    CHECK(chdir("/") == 0);
    CHECK(unlink("usertests.d/d/.") == -1);
    CHECK(unlink("usertests.d/d/..") == -1);
    CHECK(unlink("/") == -1);
    CHECK(unlink("usertests.d/d") == 0);
}

static void test_paths(void)
{
    CHECK(mkdir("d") == 0 && mkdir("d/e") == 0);
    make_file("d/e/file", 6, 'p');
    check_file("d//e///file", 6, 'p');
    check_file("./d/./e/../e/file", 6, 'p');
    check_file("d/e/../../d/e/file", 6, 'p');
    check_file("/usertests.d/d/e/file", 6, 'p');
    check_file("/../../usertests.d/d/e/file", 6, 'p');
    CHECK(exists("d/e/"));
    CHECK(open("d/e/file/", O_RDONLY) == -1 || exists("d/e/file"));
    CHECK(open("d/e/file/x", O_RDONLY) == -1);
    CHECK(unlink("d/e/file") == 0 && unlink("d/e") == 0 && unlink("d") == 0);
}

/* What upstream's users do with subdirectories, in one go. */
static void test_subdirectories(void)
{
    CHECK(mkdir("dd") == 0);
    make_file("dd/ff", 2, 'f');
    CHECK(unlink("dd") == -1);
    CHECK(mkdir("/usertests.d/dd/dd") == 0);
    make_file("dd/dd/ff", 2, 'F');
    check_file("dd/dd/../ff", 2, 'f');
    CHECK(link("dd/dd/ff", "dd/dd/ffff") == 0);
    CHECK(unlink("dd/dd/ff") == 0);
    CHECK(!exists("dd/dd/ff"));
    CHECK(chdir("dd") == 0 && chdir("dd/../../dd") == 0 && chdir("./..") == 0);
    check_file("dd/dd/ffff", 2, 'F');
    CHECK(open("dd/ff/ff", O_CREATE) == -1);
    CHECK(open("dd/xx/ff", O_CREATE) == -1);
    CHECK(open("dd", O_CREATE) == -1);
    CHECK(open("dd", O_RDWR) == -1);
    CHECK(open("dd", O_WRONLY) == -1);
    CHECK(link("dd/ff/ff", "dd/dd/xx") == -1);
    CHECK(link("dd/xx/ff", "dd/dd/xx") == -1);
    CHECK(link("dd/ff", "dd/dd/ffff") == -1);
    CHECK(mkdir("dd/ff/ff") == -1 && mkdir("dd/xx/ff") == -1 && mkdir("dd/dd/ffff") == -1);
    CHECK(unlink("dd/xx/ff") == -1 && unlink("dd/ff/ff") == -1);
    CHECK(chdir("dd/ff") == -1 && chdir("dd/xx") == -1);
    CHECK(unlink("dd/dd/ffff") == 0 && unlink("dd/ff") == 0);
    CHECK(unlink("dd") == -1);
    CHECK(unlink("dd/dd") == 0 && unlink("dd") == 0);
}

static void test_directory_as_file(void)
{
    make_file("file", 1, 'f');
    CHECK(chdir("file") == -1);
    CHECK(open("file/xx", O_RDONLY) == -1);
    CHECK(open("file/xx", O_CREATE) == -1);
    CHECK(mkdir("file/xx") == -1);
    CHECK(unlink("file/xx") == -1);
    CHECK(link("README", "file/xx") == -1);
    CHECK(unlink("file") == 0);
    int fd = open(".", O_RDONLY);
    CHECK(fd >= 0);
    CHECK(write(fd, "x", 1) == -1);
    close(fd);
}

/* Names hold 14 bytes; longer ones are cut. */
static void test_fourteen(void)
{
    CHECK(mkdir("12345678901234") == 0);
    CHECK(mkdir("12345678901234/123456789012345") == 0);
    make_file("123456789012345/123456789012345/123456789012345", 3, 'n');
    check_file("12345678901234/12345678901234/12345678901234", 3, 'n');
    CHECK(mkdir("12345678901234/12345678901234") == -1);
    CHECK(mkdir("123456789012345/12345678901234") == -1);
    CHECK(!exists("1234567890123"));
    CHECK(unlink("12345678901234/12345678901234/12345678901234") == 0);
    CHECK(unlink("12345678901234/12345678901234") == 0);
    CHECK(unlink("12345678901234") == 0);
}

/* A name that is missing, in each call, many times: no i-node may be lost on the way. */
static void test_missing_names(void)
{
    for (int i = 0; i < 51; i++) { /* one more than there are i-nodes in memory */
        CHECK(mkdir("d") == 0);
        CHECK(chdir("d") == 0);
        CHECK(mkdir("") == -1);
        CHECK(link("/README", "") == -1);
        CHECK(open("", O_CREATE) == -1);
        CHECK(close(open("xx", O_CREATE)) == 0);
        CHECK(unlink("xx") == 0);
        CHECK(chdir("..") == 0);
        CHECK(unlink("d") == 0);
    }
}

/* A directory that is removed while it is somebody's current one. */
static void test_remove_current(void)
{
    CHECK(mkdir("d") == 0);
    CHECK(chdir("d") == 0);
    CHECK(unlink("../d") == 0);
    CHECK(open("file", O_CREATE | O_RDWR) == -1 || unlink("file") == 0);
    CHECK(chdir("/usertests.d") == 0);
    CHECK(!exists("d"));
    if (must_fork() == 0) { /* the last reference goes with the process */
        CHECK(mkdir("e") == 0);
        CHECK(chdir("e") == 0);
        CHECK(unlink("../e") == 0);
        exit();
    }
    reap(1);
    CHECK(!exists("e"));
    CHECK(count_entries(".") == 2);
}

static void test_big_directory(void)
{
    char name[NAME_LEN + 1] = "x00";

    make_file("file", 1, 'b');
    for (int i = 0; i < 500; i++) {
        name[1] = (char)('0' + i / 64);
        name[2] = (char)('0' + i % 64);
        CHECK(link("file", name) == 0 || name[2] == '/');
    }
    CHECK(count_entries(".") > 490);
    CHECK(unlink("file") == 0);
    for (int i = 0; i < 500; i++) {
        name[1] = (char)('0' + i / 64);
        name[2] = (char)('0' + i % 64);
        CHECK(unlink(name) == 0 || name[2] == '/');
    }
    CHECK(count_entries(".") == 2);
}

static void test_deep(void)
{
    for (int i = 0; i < 30; i++) {
        CHECK(mkdir("d") == 0);
        CHECK(chdir("d") == 0);
    }
    make_file("file", 1, 'd');
    CHECK(unlink("file") == 0);
    for (int i = 0; i < 30; i++) {
        CHECK(chdir("..") == 0);
        CHECK(unlink("d") == 0);
    }
}

const struct test directory_tests[] = {
    {"mkdir", test_mkdir},
    {"chdir", test_chdir},
    {"dots", test_dots_stay},
    {"paths", test_paths},
    {"subdirectories", test_subdirectories},
    {"directory-as-file", test_directory_as_file},
    {"fourteen", test_fourteen},
    {"missing-names", test_missing_names},
    {"remove-current", test_remove_current},
    {"big-directory", test_big_directory},
    {"deep", test_deep},
    {0},
};
