/* Any bytes as an input file: the translator ends with an output or a message. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "program.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_OFFSET 0x38000000u

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    classify_init();
    nowhere = fopen("/dev/null", "wb");
    return nowhere == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trap_entry trap = {"alltraps", {0, 7}, true, NO_ITEM};
    struct program program = {.options = {.offset = FUZZ_OFFSET, .dropped_row = -1}};
    struct bytes input = {(uint8_t *)data, size, size};
    /* The last byte chooses: half of the files have a trap entry. */
    if (size > 0 && (data[size - 1] & 1)) {
        program.options.traps = &trap;
        program.options.trap_count = 1;
    }
    bool ok = program_run(&program, &input, nowhere);
    if (ok != (program.diag.text[0] == '\0'))
        abort();
    program_free(&program);
    return 0;
}
