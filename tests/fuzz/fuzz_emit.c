/*
 * Any bytes as instructions, with any registers dead: what is classified as a writer has a
 * translation that decodes, whose windows lie in it, and that gives back the stack.
 */
#include <stdint.h>
#include <stdlib.h>

#include "classes.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_OFFSET = 0x38000000, FUZZ_ADDR = 0x100000, DISP_SIZE = 4, MOST_GROWTH = 5 };

static ZydisDecoder decoder;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    classify_init();
    insn_decoder_init(&decoder);
    return 0;
}

static void check_windows(const struct emitter *emitter)
{
    for (size_t i = 0; i < emitter->windows.count; i++) {
        const struct item_window *window = &emitter->windows.at[i];
        if (window->start >= window->end || window->end > emitter->code.count)
            abort();
    }
}

/* A relocated displacement must be found again in every copy of it. */
static void check_fixups(const struct emitter *emitter)
{
    for (size_t i = 0; i < emitter->fixups.count; i++)
        if (emitter->fixups.at[i].at + DISP_SIZE > emitter->code.count)
            abort();
}

static void try_instruction(const struct insn *insn, uint8_t row, uint8_t dead)
{
    struct reloc reloc = {.addr = insn->addr + insn->mem.disp_at};
    struct emitter emitter = {.offset = FUZZ_OFFSET, .relocs = &reloc};
    emitter.reloc_count = insn->mem.disp_at != 0;
    emit_begin(&emitter, 0, insn, dead);
    writer_classes[row].emit(&emitter);
    if (emitter.code.count == 0 || emitter.window_open || emitter.saved_count != 0 ||
        emitter.esp_shift != 0)
        abort();
    /* A mirror that would be too long for an instruction is refused later. */
    if (insn->length + MOST_GROWTH <= ZYDIS_MAX_INSTRUCTION_LENGTH &&
        !emit_check(&emitter, &decoder, 0))
        abort();
    check_windows(&emitter);
    check_fixups(&emitter);
    emitter_drop_code(&emitter);
    free(emitter.windows.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t dead = *data++;
    for (size--; size > 0;) {
        struct insn insn;
        uint8_t row;
        if (!insn_decode(&decoder, data, size, FUZZ_ADDR, &insn))
            return 0;
        if (classify(&insn, &row) && row != WRITER_NONE && writer_classes[row].emit != NULL)
            try_instruction(&insn, row, dead);
        data += insn.length;
        size -= insn.length;
    }
    return 0;
}
