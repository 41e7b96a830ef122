/*
 * Call frame information (DWARF 5, 6.4): each description's instructions run as they were, with new
 * advances between them. A rule changes where the next instruction's translation begins, so inside
 * one it may be late by the bytes that this instruction pushed.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

enum {
    CFA_ADVANCE = 0x40, /* and the next, with an operand in the low six bits */
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0,
    CFA_SET_LOC = 1,
    CFA_ADVANCE1 = 2,
    CFA_ADVANCE2 = 3,
    CFA_ADVANCE4 = 4,
    CIE_ID = -1,
};

struct frame {
    struct debug *debug;
    struct bytes *out;
    struct cursor cursor;
    uint32_t addr;
    uint32_t new_addr;
};

static bool fail(struct debug *debug, size_t offset, const char *what)
{
    return debug_fail(debug, DEBUG_FRAME, offset, what);
}

/* Operands of an instruction other than the above: u: a number, b: a block. NULL: unknown. */
static const char *operands_of(uint8_t opcode)
{
    static const char *const operands[] = {
        [0x05] = "uu", [0x06] = "u",  [0x07] = "u",  [0x08] = "u",  [0x09] = "uu",
        [0x0a] = "",   [0x0b] = "",   [0x0c] = "uu", [0x0d] = "u",  [0x0e] = "u",
        [0x0f] = "b",  [0x10] = "ub", [0x11] = "uu", [0x12] = "uu", [0x13] = "u",
        [0x14] = "uu", [0x15] = "uu", [0x16] = "ub", [0x2e] = "u",  [0x2f] = "uu",
    };
    if ((opcode & 0xc0) != 0)
        return (opcode & 0xc0) == CFA_OFFSET ? "u" : "";
    return opcode < sizeof(operands) / sizeof(operands[0]) ? operands[opcode] : NULL;
}

static void put_advance(struct frame *frame)
{
    uint32_t addr = debug_start(frame->debug, frame->addr), advance = addr - frame->new_addr;
    if (advance == 0)
        return;
    if (advance < 0x40) {
        vec_push(frame->out, (uint8_t)(CFA_ADVANCE | advance));
    } else if (advance <= UINT8_MAX) {
        vec_push(frame->out, CFA_ADVANCE1);
        vec_push(frame->out, (uint8_t)advance);
    } else {
        vec_push(frame->out, CFA_ADVANCE4);
        debug_push32(frame->out, advance);
    }
    frame->new_addr = addr;
}

/* True: the instruction was one that moves the address. */
static bool run_advance(struct frame *frame, uint8_t opcode)
{
    if ((opcode & 0xc0) == CFA_ADVANCE)
        frame->addr += opcode & 0x3f;
    else if (opcode == CFA_SET_LOC)
        frame->addr = cursor_u32(&frame->cursor);
    else if (opcode >= CFA_ADVANCE1 && opcode <= CFA_ADVANCE4)
        frame->addr += (uint32_t)cursor_uint(&frame->cursor, 1u << (opcode - CFA_ADVANCE1));
    else
        return opcode == CFA_NOP;
    return true;
}

static bool run_instructions(struct frame *frame)
{
    struct cursor *cursor = &frame->cursor;
    while (cursor_left(cursor) > 0) {
        const uint8_t *start = cursor->at;
        uint8_t opcode = cursor_u8(cursor);
        if (run_advance(frame, opcode))
            continue;
        const char *operand = operands_of(opcode);
        if (operand == NULL)
            return false;
        for (; *operand != '\0'; operand++) {
            uint64_t value = cursor_uleb(cursor);
            if (*operand == 'b')
                cursor_skip(cursor, value);
        }
        put_advance(frame);
        bytes_append(frame->out, start, (size_t)(cursor->at - start));
    }
    return !cursor->bad;
}

/* A common part; only what advances are counted in matters here. */
static bool check_common(struct cursor cursor)
{
    uint8_t version = cursor_u8(&cursor);
    bool plain = cursor_u8(&cursor) == 0; /* no augmentation */
    if (version == 4)
        plain = plain && cursor_u8(&cursor) == 4 && cursor_u8(&cursor) == 0;
    return plain && (version == 1 || version == 3 || version == 4) && cursor_uleb(&cursor) == 1 &&
           !cursor.bad;
}

static void end_entry(struct bytes *out, size_t start)
{
    while ((out->count - start) % 4 != 0)
        vec_push(out, CFA_NOP);
    debug_put32(out, start, (uint32_t)(out->count - start - 4));
}

static bool write_description(struct debug *debug, struct cursor cursor)
{
    struct bytes *out = &debug->sections[DEBUG_FRAME].grown;
    struct frame frame = {.debug = debug, .out = out};
    frame.addr = cursor_u32(&cursor);
    uint32_t size = cursor_u32(&cursor);
    frame.new_addr = debug_start(debug, frame.addr);
    debug_push32(out, frame.new_addr);
    debug_push32(out, debug_end(debug, frame.addr, frame.addr + size) - frame.new_addr);
    frame.cursor = cursor;
    return run_instructions(&frame);
}

static bool write_entry(struct debug *debug, size_t *at)
{
    struct debug_section *section = &debug->sections[DEBUG_FRAME];
    struct bytes *out = &section->grown;
    struct cursor cursor = cursor_make(section->bytes, section->size, *at, SIZE_MAX);
    uint32_t length = cursor_u32(&cursor);
    if (cursor.bad || length < 4 || length > cursor_left(&cursor))
        return fail(debug, *at, "the entry leaves the section, or is in the 64-bit format");
    size_t start = out->count, end = *at + 4 + length;
    cursor = cursor_make(section->bytes, section->size, *at + 4, end);
    bool common = cursor_u32(&cursor) == (uint32_t)CIE_ID;
    debug_note_moved(section, *at);
    bytes_append(out, section->bytes + *at, 8);
    if (common)
        bytes_append(out, cursor.at, cursor_left(&cursor));
    if (common ? !check_common(cursor) : !write_description(debug, cursor))
        return fail(debug, *at, "the entry is damaged, or not for i386");
    end_entry(out, start);
    *at = end;
    return true;
}

/* Descriptions name their common part by its offset. */
static void follow_common(struct debug_section *section)
{
    struct bytes *out = &section->grown;
    for (size_t i = 0; i < section->moved.count; i++) {
        size_t at = section->moved.at[i].new + 4;
        uint32_t common;
        memcpy(&common, out->at + at, sizeof(common));
        if (common != (uint32_t)CIE_ID)
            debug_put32(out, at, debug_moved(section, common));
    }
}

bool debug_write_frames(struct debug *debug)
{
    struct debug_section *section = &debug->sections[DEBUG_FRAME];
    bool ok = true;
    for (size_t at = 0; ok && at < section->size;)
        ok = write_entry(debug, &at);
    if (ok)
        follow_common(section);
    return ok;
}
