/*
 * kmv-verify against kmv-translate: what that makes of many forms of writers is accepted; with the
 * mirrors of any one class left out, it is refused.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define FILES    TEST_FOLDER
#define NATIVE   FILES "/forms"
#define OUTPUT   FILES "/translated"
#define TRAPS    "--trap-entry trap:gate"
#define VERIFY   TRAPS " " NATIVE " " OUTPUT
#define CLASSES  64
#define NAME_MAX 31

static char classes[CLASSES][NAME_MAX + 1];
static unsigned int class_count;

static void note_class(const char *name)
{
    for (unsigned int i = 0; i < class_count; i++) {
        if (strcmp(classes[i], name) == 0) {
            return;
        }
    }
    assert_in_range(class_count, 0, CLASSES - 1);
    strcpy(classes[class_count++], name);
}

/* The classes that the translator finds: the second word of each line of its list. */
static void list_classes(void)
{
    FILE *pipe = popen(KMV_TRANSLATE " --list " NATIVE, "r");
    char line[256];
    char name[NAME_MAX + 1];

    assert_non_null(pipe);
    while (fgets(line, sizeof(line), pipe)) {
        if (sscanf(line, "%*s %31s", name) == 1) {
            note_class(name);
        }
    }
    assert_int_equal(pclose(pipe), 0);
    note_class("trap");
}

static int build_forms(void **state)
{
    (void)state;
    mkdir(FILES, 0777);
    return system("gcc -m32 -c -o " FILES "/forms.o tests/unit/verify/forms.S && "
                  "ld -m elf_i386 -q -Ttext=0x100000 -e _start -o " NATIVE " " FILES "/forms.o");
}

static void test_accepted(void **state)
{
    char output[8192];

    (void)state;
    assert_int_equal(system(KMV_TRANSLATE " " TRAPS " -o " OUTPUT " " NATIVE), 0);
    if (pair_run_verify("--offset 38000000 " VERIFY, output, sizeof(output)) != 0) {
        fail_msg("%s", output);
    }
    assert_non_null(strstr(output, "offset=0x38000000 ok"));
}

static void test_other_offset(void **state)
{
    char output[8192];

    (void)state;
    assert_int_equal(system(KMV_TRANSLATE " " TRAPS " --offset 88000000 -o " OUTPUT " " NATIVE), 0);
    if (pair_run_verify("--offset 88000000 " VERIFY, output, sizeof(output)) != 0) {
        fail_msg("%s", output);
    }
}

static void test_identity(void **state)
{
    char output[8192];

    (void)state;
    assert_int_equal(system(KMV_TRANSLATE " --identity -o " OUTPUT " " NATIVE), 0);
    if (pair_run_verify(NATIVE " " OUTPUT, output, sizeof(output)) != 0) {
        fail_msg("%s", output);
    }
    assert_non_null(strstr(output, "mirrored=0 "));
    assert_non_null(strstr(output, "offset=0x00000000 ok"));
}

static void test_dropped_classes(void **state)
{
    char output[8192];
    char command[512];

    (void)state;
    list_classes();
    assert_in_range(class_count, 15, CLASSES);
    for (unsigned int i = 0; i < class_count; i++) {
        int status;

        snprintf(command, sizeof(command),
                 KMV_TRANSLATE " " TRAPS " --drop-mirror %s -o " OUTPUT " " NATIVE, classes[i]);
        if (system(command) != 0) {
            fail_msg("%s: not translated", classes[i]);
        }
        status = pair_run_verify(VERIFY, output, sizeof(output));
        if (status != 1 || !strstr(output, "the mirror of byte")) {
            fail_msg("%s: status %d: %s", classes[i], status, output);
        }
    }
    print_message("classes dropped and refused: %u\n", class_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_other_offset),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_dropped_classes),
    };

    return cmocka_run_group_tests(tests, build_forms, NULL);
}
