/* Translates single instructions the way kmv-translate does, without a file around them. */
#ifndef TEST_SNIPPET_H
#define TEST_SNIPPET_H

#include "classes.h"

struct snippet {
    struct emitter emitter;
    struct insn insn;
    uint8_t row;
    bool prefetch; /* as in a loop (prefetch.c) */
};

/* Once, before all else. */
void snippet_init(void);

/* Decodes and classifies code at CODE_BASE; false if it is no instruction or a writer without row.
 */
bool snippet_decode(struct snippet *snippet, const uint8_t *bytes, size_t size);

/* Emits the translation into snippet->emitter.code, given the registers not needed afterwards. */
void snippet_translate(struct snippet *snippet, uint32_t offset, uint8_t dead);

void snippet_free(struct snippet *snippet);

const ZydisDecoder *snippet_decoder(void);

#endif
