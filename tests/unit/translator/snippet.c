#include "snippet.h"

#include <stdlib.h>
#include <string.h>

#include "machine.h"

static ZydisDecoder decoder;

void snippet_init(void)
{
    insn_decoder_init(&decoder);
    classify_init();
}

const ZydisDecoder *snippet_decoder(void)
{
    return &decoder;
}

bool snippet_decode(struct snippet *snippet, const uint8_t *bytes, size_t size)
{
    memset(snippet, 0, sizeof(*snippet));
    return insn_decode(&decoder, bytes, size, CODE_BASE, &snippet->insn) &&
           classify(&snippet->insn, &snippet->row);
}

void snippet_translate(struct snippet *snippet, uint32_t offset, uint8_t dead)
{
    snippet->emitter.offset = offset;
    emit_begin(&snippet->emitter, 0, &snippet->insn, dead);
    if (snippet->prefetch) {
        emit_prefetch(&snippet->emitter, emit_operand(&snippet->emitter, offset));
        emit_prefetch(&snippet->emitter, emit_operand(&snippet->emitter, 0));
    }
    writer_classes[snippet->row].emit(&snippet->emitter);
}

void snippet_free(struct snippet *snippet)
{
    free(snippet->emitter.code.at);
    free(snippet->emitter.fixups.at);
    free(snippet->emitter.windows.at);
}
