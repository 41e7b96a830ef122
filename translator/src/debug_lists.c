/*
 * Lists of address ranges and of locations. Those of DWARF 2 to 4 have entries of fixed size and
 * are changed in place; those of DWARF 5 (7.28, 7.29) are written anew with plain start and end
 * addresses, between bytes that are copied.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

/* Kinds of entries of .debug_rnglists (RLE) and .debug_loclists (LLE): all but the first six the
 * same. */
enum {
    END_OF_LIST = 0,
    BASE_ADDRESSX = 1,
    STARTX_ENDX = 2,
    STARTX_LENGTH = 3,
    OFFSET_PAIR = 4,
    RLE_BASE_ADDRESS = 5,
    RLE_START_END = 6,
    RLE_START_LENGTH = 7,
    LLE_DEFAULT_LOCATION = 5,
    LLE_BASE_ADDRESS = 6,
    LLE_START_END = 7,
    LLE_START_LENGTH = 8,
    LLE_VIEW_PAIR = 9,
    NEW_BASE = -1, /* the start of an entry of the old kind that sets the base */
};

enum { HEADER_BYTES = 12, TABLE_AT = 12 }; /* of a unit of lists */

static int compare_lists(const void *left, const void *right)
{
    const struct debug_list *a = left, *b = right;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void sort_lists(struct list_vec *lists)
{
    size_t kept = 0;
    vec_sort(lists->at, lists->count, sizeof(*lists->at), compare_lists);
    for (size_t i = 0; i < lists->count; i++)
        if (kept == 0 || lists->at[kept - 1].offset != lists->at[i].offset)
            lists->at[kept++] = lists->at[i];
    lists->count = kept;
}

/* One list of the old kind, in place. Returns where it ends, 0: nowhere. */
static size_t patch_list(struct debug *debug, enum debug_kind kind, const struct debug_list *list)
{
    struct debug_section *section = &debug->sections[kind];
    struct cursor cursor = cursor_make(section->bytes, section->size, list->offset, SIZE_MAX);
    uint32_t base = list->base;
    while (!cursor.bad) {
        size_t at = cursor_offset(&cursor);
        uint32_t start = cursor_u32(&cursor), end = cursor_u32(&cursor);
        if (start == 0 && end == 0)
            break;
        uint32_t new_base = base == 0 ? 0 : debug_start(debug, base);
        if (start == (uint32_t)NEW_BASE) {
            base = end;
            debug_put32(&section->patched, at + 4, debug_start(debug, base));
            continue;
        }
        if (cursor.bad)
            return 0;
        debug_put32(&section->patched, at, debug_start(debug, base + start) - new_base);
        debug_put32(&section->patched, at + 4,
                    debug_end(debug, base + start, base + end) - new_base);
        if (kind == DEBUG_LOC)
            cursor_skip(&cursor, cursor_u16(&cursor));
    }
    return cursor.bad ? 0 : cursor_offset(&cursor);
}

static bool patch_lists(struct debug *debug, enum debug_kind kind)
{
    struct list_vec *lists = &debug->lists[kind];
    size_t end = 0;
    sort_lists(lists);
    for (size_t i = 0; i < lists->count; i++) {
        if (lists->at[i].offset < end)
            return debug_fail(debug, kind, lists->at[i].offset, "two lists overlap");
        end = patch_list(debug, kind, &lists->at[i]);
        if (end == 0)
            return debug_fail(debug, kind, lists->at[i].offset, "the list is damaged");
    }
    return true;
}

struct entry {
    bool bounded; /* from start to end */
    uint32_t start;
    uint32_t end;
};

/* What a kind of entry is called for ranges and for locations alike. */
static int common_kind(bool ranges, uint8_t kind)
{
    return ranges && kind >= RLE_BASE_ADDRESS ? kind + 1 : kind;
}

/* Reads an entry up to its expression. False: an unknown kind. */
static bool read_entry(const struct debug *debug, struct cursor *cursor, struct debug_list *list,
                       int kind, struct entry *entry)
{
    entry->bounded = true;
    switch (kind) {
    case STARTX_ENDX:
        entry->start = debug_address(debug, list->addresses, cursor_uleb(cursor));
        entry->end = debug_address(debug, list->addresses, cursor_uleb(cursor));
        return true;
    case STARTX_LENGTH:
        entry->start = debug_address(debug, list->addresses, cursor_uleb(cursor));
        entry->end = entry->start + (uint32_t)cursor_uleb(cursor);
        return true;
    case OFFSET_PAIR:
        entry->start = list->base + (uint32_t)cursor_uleb(cursor);
        entry->end = list->base + (uint32_t)cursor_uleb(cursor);
        return true;
    case LLE_START_END:
        entry->start = cursor_u32(cursor);
        entry->end = cursor_u32(cursor);
        return true;
    case LLE_START_LENGTH:
        entry->start = cursor_u32(cursor);
        entry->end = entry->start + (uint32_t)cursor_uleb(cursor);
        return true;
    default:
        entry->bounded = false;
        return false;
    }
}

/* An entry without bounds. False: unknown. */
static bool read_other(const struct debug *debug, struct cursor *cursor, struct debug_list *list,
                       int kind)
{
    switch (kind) {
    case BASE_ADDRESSX:
        list->base = debug_address(debug, list->addresses, cursor_uleb(cursor));
        return true;
    case LLE_BASE_ADDRESS:
        list->base = cursor_u32(cursor);
        return true;
    case LLE_VIEW_PAIR:
        cursor_uleb(cursor);
        cursor_uleb(cursor);
        return true;
    default:
        return kind == END_OF_LIST || kind == LLE_DEFAULT_LOCATION;
    }
}

/* An expression with its length; its relocated fields are changed already. */
static void copy_expression(struct debug_section *section, struct cursor *cursor)
{
    size_t from = cursor_offset(cursor);
    cursor_skip(cursor, cursor_uleb(cursor));
    bytes_append(&section->grown, section->patched.at + from, cursor_offset(cursor) - from);
}

/* Returns where the list ends, 0: nowhere. */
static size_t write_list(struct debug *debug, enum debug_kind which, struct debug_list list,
                         size_t unit_end)
{
    struct debug_section *section = &debug->sections[which];
    struct bytes *out = &section->grown;
    bool ranges = which == DEBUG_RNGLISTS;
    struct cursor cursor = cursor_make(section->bytes, section->size, list.offset, unit_end);
    for (int kind = -1; kind != END_OF_LIST;) {
        struct entry entry;
        const uint8_t *start = cursor.at;
        kind = common_kind(ranges, cursor_u8(&cursor));
        if (!read_entry(debug, &cursor, &list, kind, &entry) &&
            !read_other(debug, &cursor, &list, kind))
            return 0;
        if (cursor.bad)
            return 0;
        if (entry.bounded) {
            vec_push(out, ranges ? RLE_START_END : LLE_START_END);
            debug_push32(out, debug_start(debug, entry.start));
            debug_push32(out, debug_end(debug, entry.start, entry.end));
        } else if (kind != BASE_ADDRESSX && kind != LLE_BASE_ADDRESS) {
            bytes_append(out, start, (size_t)(cursor.at - start));
        }
        if (!ranges && (entry.bounded || kind == LLE_DEFAULT_LOCATION))
            copy_expression(section, &cursor);
    }
    return cursor.bad ? 0 : cursor_offset(&cursor);
}

static void copy_gap(struct debug_section *section, size_t from, size_t to)
{
    debug_note_moved(section, from);
    bytes_append(&section->grown, section->patched.at + from, to - from);
}

/* Offsets to lists, from where their table begins. */
static void follow_table(struct debug_section *section, size_t unit, size_t new_unit,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset;
        memcpy(&offset, section->bytes + unit + TABLE_AT + 4 * i, sizeof(offset));
        offset = debug_moved(section, (uint32_t)unit + TABLE_AT + offset);
        debug_put32(&section->grown, new_unit + TABLE_AT + 4 * i,
                    offset - (uint32_t)new_unit - TABLE_AT);
    }
}

/* The unit at *at; lists from *next on. */
static bool write_unit(struct debug *debug, enum debug_kind kind, size_t *at, size_t *next)
{
    struct debug_section *section = &debug->sections[kind];
    const struct list_vec *lists = &debug->lists[kind];
    struct cursor cursor = cursor_make(section->bytes, section->size, *at, SIZE_MAX);
    uint64_t end = *at + 4 + (uint64_t)cursor_u32(&cursor);
    uint16_t version = cursor_u16(&cursor);
    uint8_t address_size = cursor_u8(&cursor), segment_size = cursor_u8(&cursor);
    uint32_t count = cursor_u32(&cursor);
    uint64_t copied = *at + HEADER_BYTES + 4 * (uint64_t)count;
    if (cursor.bad || end > section->size || copied > end || version != 5 || address_size != 4 ||
        segment_size != 0)
        return debug_fail(debug, kind, *at, "the unit is damaged, or not for i386");
    size_t new_unit = section->grown.count;
    copy_gap(section, *at, (size_t)copied);
    for (; *next < lists->count && lists->at[*next].offset < end; ++*next) {
        const struct debug_list *list = &lists->at[*next];
        if (list->offset < copied)
            return debug_fail(debug, kind, list->offset, "two lists overlap");
        copy_gap(section, (size_t)copied, list->offset);
        debug_note_moved(section, list->offset);
        copied = write_list(debug, kind, *list, (size_t)end);
        if (copied == 0)
            return debug_fail(debug, kind, list->offset, "the list is damaged");
    }
    copy_gap(section, (size_t)copied, (size_t)end);
    follow_table(section, *at, new_unit, count);
    debug_put32(&section->grown, new_unit, (uint32_t)(section->grown.count - new_unit - 4));
    *at = (size_t)end;
    return true;
}

static bool write_lists(struct debug *debug, enum debug_kind kind)
{
    struct list_vec *lists = &debug->lists[kind];
    size_t next = 0;
    bool ok = true;
    sort_lists(lists);
    for (size_t at = 0; ok && at < debug->sections[kind].size;)
        ok = write_unit(debug, kind, &at, &next);
    return ok && (next == lists->count ||
                  debug_fail(debug, kind, lists->at[next].offset, "the list is in no unit"));
}

bool debug_write_lists(struct debug *debug)
{
    return patch_lists(debug, DEBUG_RANGES) && patch_lists(debug, DEBUG_LOC) &&
           write_lists(debug, DEBUG_RNGLISTS) && write_lists(debug, DEBUG_LOCLISTS);
}
