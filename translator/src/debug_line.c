/*
 * Line-number programs (DWARF 5, 6.2): each runs as it was, and what it does to its address
 * register is done anew for the new addresses. Everything else is copied.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

enum {
    LNS_COPY = 1,
    LNS_ADVANCE_PC = 2,
    LNS_CONST_ADD_PC = 8,
    LNS_FIXED_ADVANCE_PC = 9,
    LNE_END_SEQUENCE = 1,
    LNE_SET_ADDRESS = 2,
};

struct lines {
    struct debug *debug;
    struct bytes *out;
    struct cursor cursor;
    const uint8_t *counts; /* operands of each standard opcode, from opcode 1 on */
    uint8_t opcode_base;
    int8_t line_base;
    uint8_t line_range;
    uint32_t addr;     /* of the input */
    uint32_t last;     /* of the last row */
    uint32_t new_addr; /* what the program has written so far comes to */
};

static bool fail(struct debug *debug, size_t offset, const char *what)
{
    return debug_fail(debug, DEBUG_LINE, offset, what);
}

static void put_set_address(struct lines *lines, uint32_t addr)
{
    const uint8_t opcode[] = {0, 5, LNE_SET_ADDRESS};
    bytes_append(lines->out, opcode, sizeof(opcode));
    debug_push32(lines->out, addr);
    lines->new_addr = addr;
}

/* Up to the new address; what is left of it goes into a special opcode. */
static void put_advance(struct lines *lines, uint32_t addr)
{
    uint32_t advance = addr - lines->new_addr;
    if (advance == 0)
        return;
    if (addr < lines->new_addr) {
        put_set_address(lines, addr);
        return;
    }
    vec_push(lines->out, LNS_ADVANCE_PC);
    debug_push_uleb(lines->out, advance);
    lines->new_addr = addr;
}

/* A row for a special opcode: one byte if the new advance fits into it. */
static void put_special(struct lines *lines, uint8_t opcode)
{
    uint8_t adjusted = opcode - lines->opcode_base;
    lines->addr += adjusted / lines->line_range;
    uint32_t addr = debug_start(lines->debug, lines->addr);
    uint64_t advance = addr - lines->new_addr;
    uint64_t wanted =
        lines->opcode_base + adjusted % lines->line_range + advance * lines->line_range;
    if (addr < lines->new_addr || wanted > UINT8_MAX) {
        put_advance(lines, addr);
        wanted = lines->opcode_base + adjusted % lines->line_range;
    }
    vec_push(lines->out, (uint8_t)wanted);
    lines->new_addr = addr;
    lines->last = lines->addr;
}

static bool run_extended(struct lines *lines)
{
    const uint8_t *start = lines->cursor.at - 1;
    uint64_t size = cursor_uleb(&lines->cursor);
    struct cursor inside = lines->cursor;
    cursor_skip(&lines->cursor, size);
    if (lines->cursor.bad || size == 0)
        return false;
    uint8_t opcode = cursor_u8(&inside);
    if (opcode == LNE_SET_ADDRESS && size == 5) {
        lines->addr = lines->last = cursor_u32(&inside);
        put_set_address(lines, debug_start(lines->debug, lines->addr));
        return true;
    }
    if (opcode == LNE_END_SEQUENCE) {
        put_advance(lines, debug_end(lines->debug, lines->last, lines->addr));
        lines->addr = lines->last = lines->new_addr = 0;
    }
    bytes_append(lines->out, start, (size_t)(lines->cursor.at - start));
    return opcode != LNE_SET_ADDRESS;
}

static void run_standard(struct lines *lines, uint8_t opcode)
{
    const uint8_t *start = lines->cursor.at - 1;
    switch (opcode) {
    case LNS_ADVANCE_PC:
        lines->addr += (uint32_t)cursor_uleb(&lines->cursor);
        return;
    case LNS_CONST_ADD_PC:
        lines->addr += (uint8_t)(UINT8_MAX - lines->opcode_base) / lines->line_range;
        return;
    case LNS_FIXED_ADVANCE_PC:
        lines->addr += cursor_u16(&lines->cursor);
        return;
    case LNS_COPY:
        put_advance(lines, debug_start(lines->debug, lines->addr));
        lines->last = lines->addr;
        break;
    default:
        for (unsigned i = 0; i < lines->counts[opcode - 1]; i++)
            cursor_uleb(&lines->cursor);
    }
    bytes_append(lines->out, start, (size_t)(lines->cursor.at - start));
}

static bool run_program(struct lines *lines)
{
    while (cursor_left(&lines->cursor) > 0) {
        uint8_t opcode = cursor_u8(&lines->cursor);
        if (opcode >= lines->opcode_base)
            put_special(lines, opcode);
        else if (opcode != 0)
            run_standard(lines, opcode);
        else if (!run_extended(lines))
            return false;
        if (lines->cursor.bad)
            return false;
    }
    return true;
}

/* The header, which is copied. Returns the offset of the program, 0: it cannot be read. */
static size_t read_header(struct lines *lines)
{
    struct cursor *cursor = &lines->cursor;
    uint16_t version = cursor_u16(cursor);
    if (version < 2 || version > 5)
        return 0;
    bool sizes = version < 5 || (cursor_u8(cursor) == 4 && cursor_u8(cursor) == 0);
    uint32_t header_length = cursor_u32(cursor);
    size_t program = cursor_offset(cursor) + header_length;
    uint8_t unit = cursor_u8(cursor), operations = version < 4 ? 1 : cursor_u8(cursor);
    cursor_u8(cursor); /* whether rows are statements at first */
    lines->line_base = (int8_t)cursor_u8(cursor);
    lines->line_range = cursor_u8(cursor);
    lines->opcode_base = cursor_u8(cursor);
    lines->counts = cursor->at;
    cursor_skip(cursor, lines->opcode_base == 0 ? 0 : lines->opcode_base - 1u);
    bool right = sizes && unit == 1 && operations == 1 && lines->line_range != 0 &&
                 lines->opcode_base != 0 && program >= cursor_offset(cursor);
    cursor_skip(cursor, program - cursor_offset(cursor));
    return cursor->bad || !right ? 0 : program;
}

static bool write_unit(struct debug *debug, size_t *at)
{
    struct debug_section *section = &debug->sections[DEBUG_LINE];
    struct bytes *out = &section->grown;
    struct cursor cursor = cursor_make(section->bytes, section->size, *at, SIZE_MAX);
    uint32_t length = cursor_u32(&cursor);
    if (cursor.bad || length > cursor_left(&cursor))
        return fail(debug, *at, "the unit leaves the section, or is in the 64-bit format");
    size_t end = *at + 4 + length, new_start = out->count;
    struct lines lines = {.debug = debug,
                          .out = out,
                          .cursor = cursor_make(section->bytes, section->size, *at + 4, end)};
    size_t program = read_header(&lines);
    if (program == 0)
        return fail(debug, *at, "the header is damaged, or not for i386");
    debug_note_moved(section, *at);
    bytes_append(out, section->bytes + *at, program - *at);
    if (!run_program(&lines))
        return fail(debug, cursor_offset(&lines.cursor), "the line program is damaged");
    debug_put32(out, new_start, (uint32_t)(out->count - new_start - 4));
    *at = end;
    return true;
}

bool debug_write_lines(struct debug *debug)
{
    bool ok = true;
    for (size_t at = 0; ok && at < debug->sections[DEBUG_LINE].size;)
        ok = write_unit(debug, &at);
    return ok;
}
