/*
 * The entries of .debug_info (DWARF 5, 7.5), one after the other. Their addresses are relocated
 * fields, which debug.c changes. What is left is an end that is given as a length, and to find the
 * lists of ranges and locations with what their entries count from.
 *
 * A length in a variable-length form may need more bytes. Only assemblers write such: their units
 * get the room, for no entry of them refers to another one.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

enum {
    AT_LOCATION = 0x02,
    AT_LOW_PC = 0x11,
    AT_HIGH_PC = 0x12,
    AT_RANGES = 0x55,
    AT_ADDR_BASE = 0x73,
    AT_RNGLISTS_BASE = 0x74,
    AT_LOCLISTS_BASE = 0x8c,
    AT_GNU_LOCVIEWS = 0x2137,
    FORM_ADDR = 0x01,
    FORM_BLOCK2 = 0x03,
    FORM_BLOCK4 = 0x04,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_BLOCK = 0x09,
    FORM_BLOCK1 = 0x0a,
    FORM_SDATA = 0x0d,
    FORM_UDATA = 0x0f,
    FORM_REF_ADDR = 0x10,
    FORM_REF_UDATA = 0x15,
    FORM_INDIRECT = 0x16,
    FORM_SEC_OFFSET = 0x17,
    FORM_EXPRLOC = 0x18,
    FORM_STRX = 0x1a,
    FORM_ADDRX = 0x1b,
    FORM_IMPLICIT_CONST = 0x21,
    FORM_LOCLISTX = 0x22,
    FORM_RNGLISTX = 0x23,
    FORM_ADDRX1 = 0x29,
    FORM_ADDRX4 = 0x2c,
    FORM_GNU_ADDR_INDEX = 0x1f01,
    FORM_GNU_STR_INDEX = 0x1f02,
    FORM_GNU_REF_ALT = 0x1f20,
    FORM_GNU_STRP_ALT = 0x1f21,
};

/* Limits of sound files, far off; they bound the work on hostile ones. */
enum { MAX_ATTRIBUTES = 256, ABBREV_READS = 64, ABBREV_SLACK = 65536 };

struct attribute {
    uint16_t name;
    uint16_t form;
    int64_t constant; /* of FORM_IMPLICIT_CONST */
};
VEC(attribute_vec, struct attribute);

/* What entries with one code look like: attributes [first, end); both 0: there is none. */
struct shape {
    uint32_t first;
    uint32_t end;
};
VEC(shape_vec, struct shape);

struct value {
    uint16_t form;
    size_t at; /* in .debug_info */
    unsigned size;
    uint64_t number;
};

struct unit {
    uint16_t version;
    uint32_t low; /* the base of its lists */
    uint32_t addresses;
    uint32_t ranges;
    uint32_t locations;
    bool known;     /* the unit's own entry has been read */
    bool refers;    /* to other entries, by their offsets */
    uint32_t grown; /* bytes */
};

struct walk {
    struct debug *debug;
    struct attribute_vec attributes; /* [0] is unused */
    struct shape_vec shapes;         /* by code */
    uint32_t abbrevs;                /* where they were read from */
    bool abbrevs_read;
    uint64_t budget; /* bytes of abbreviations that may still be read */
    struct cursor cursor;
    struct unit unit;
};

static bool fail(const struct walk *walk, size_t offset, const char *what)
{
    return debug_fail(walk->debug, DEBUG_INFO, offset, what);
}

/* Attributes of one code. */
static void read_shape(struct walk *walk, struct cursor *cursor, struct shape *shape)
{
    cursor_uleb(cursor); /* tag */
    cursor_u8(cursor);   /* whether it has children: all entries are walked, in order */
    shape->first = (uint32_t)walk->attributes.count;
    while (!cursor->bad) {
        uint64_t name = cursor_uleb(cursor), form = cursor_uleb(cursor);
        struct attribute attribute = {(uint16_t)name, (uint16_t)form, 0};
        if (form == FORM_IMPLICIT_CONST)
            attribute.constant = cursor_sleb(cursor);
        if (name == 0 && form == 0)
            break;
        cursor->bad |= name > UINT16_MAX || form > UINT16_MAX ||
                       walk->attributes.count - shape->first >= MAX_ATTRIBUTES;
        vec_push(&walk->attributes, attribute);
    }
    shape->end = (uint32_t)walk->attributes.count;
}

/* The table of abbreviations at an offset. */
static bool read_abbrevs(struct walk *walk, uint32_t offset)
{
    const struct debug_section *section = &walk->debug->sections[DEBUG_ABBREV];
    struct cursor cursor = cursor_make(section->bytes, section->size, offset, SIZE_MAX);
    if (walk->abbrevs_read && walk->abbrevs == offset)
        return true;
    walk->shapes.count = 0;
    walk->attributes.count = 0;
    vec_push(&walk->attributes, (struct attribute){0});
    for (uint64_t code; (code = cursor_uleb(&cursor)) != 0;) {
        struct shape shape;
        read_shape(walk, &cursor, &shape);
        if (cursor.bad || code > section->size)
            break;
        while (walk->shapes.count <= code)
            vec_push(&walk->shapes, (struct shape){0});
        walk->shapes.at[code] = shape;
    }
    size_t read = cursor_offset(&cursor) - offset + walk->shapes.count;
    if (cursor.bad || read > walk->budget)
        return debug_fail(walk->debug, DEBUG_ABBREV, offset, "abbreviations are damaged");
    walk->budget -= read;
    walk->abbrevs = offset;
    walk->abbrevs_read = true;
    return true;
}

/* Bytes of a form of fixed size; 0xff: it has none, or is unknown. */
static uint8_t fixed_size(uint16_t form)
{
    static const uint8_t sizes[] = {
        [0x01] = 4, [0x05] = 2, [0x06] = 4, [0x07] = 8, [0x0b] = 1,  [0x0c] = 1,
        [0x0e] = 4, [0x10] = 4, [0x11] = 1, [0x12] = 2, [0x13] = 4,  [0x14] = 8,
        [0x17] = 4, [0x19] = 0, [0x1c] = 4, [0x1d] = 4, [0x1e] = 16, [0x1f] = 4,
        [0x20] = 8, [0x21] = 0, [0x24] = 8, [0x25] = 1, [0x26] = 2,  [0x27] = 3,
        [0x28] = 4, [0x29] = 1, [0x2a] = 2, [0x2b] = 3, [0x2c] = 4,
    };
    if (form == FORM_GNU_REF_ALT || form == FORM_GNU_STRP_ALT)
        return 4;
    bool none = form >= sizeof(sizes) || (sizes[form] == 0 && form != 0x19 && form != 0x21);
    return none ? 0xff : sizes[form];
}

/* Forms of other sizes. */
static void read_variable(struct cursor *cursor, struct value *value)
{
    switch (value->form) {
    case FORM_BLOCK1:
    case FORM_BLOCK2:
    case FORM_BLOCK4:
        cursor_skip(cursor, cursor_uint(cursor, value->form == FORM_BLOCK1   ? 1
                                                : value->form == FORM_BLOCK2 ? 2
                                                                             : 4));
        break;
    case FORM_BLOCK:
    case FORM_EXPRLOC:
        cursor_skip(cursor, cursor_uleb(cursor));
        break;
    case FORM_STRING:
        cursor_skip_string(cursor);
        break;
    case FORM_SDATA:
        value->number = (uint64_t)cursor_sleb(cursor);
        break;
    case FORM_UDATA:
    case FORM_REF_UDATA:
    case FORM_STRX:
    case FORM_ADDRX:
    case FORM_LOCLISTX:
    case FORM_RNGLISTX:
    case FORM_GNU_ADDR_INDEX:
    case FORM_GNU_STR_INDEX:
        value->number = cursor_uleb(cursor);
        break;
    default:
        cursor->bad = true;
    }
}

static struct value read_value(struct cursor *cursor, const struct attribute *attribute)
{
    struct value value = {.form = attribute->form, .number = (uint64_t)attribute->constant};
    if (value.form == FORM_INDIRECT)
        value.form = (uint16_t)cursor_uleb(cursor);
    value.at = cursor_offset(cursor);
    uint8_t size = fixed_size(value.form);
    if (size == 0xff)
        read_variable(cursor, &value);
    else if (size > 8)
        cursor_skip(cursor, size);
    else if (size > 0)
        value.number = cursor_uint(cursor, size);
    value.size = (unsigned)(cursor_offset(cursor) - value.at);
    return value;
}

static bool is_index(uint16_t form)
{
    return form == FORM_ADDRX || form == FORM_GNU_ADDR_INDEX ||
           (form >= FORM_ADDRX1 && form <= FORM_ADDRX4);
}

static uint32_t address_of(const struct walk *walk, const struct value *value)
{
    return is_index(value->form) ? debug_address(walk->debug, walk->unit.addresses, value->number)
                                 : (uint32_t)value->number;
}

/* Attributes that may refer to a list of locations (DWARF 5, table 7.5, class loclist). */
static bool is_location(uint16_t name)
{
    static const uint16_t names[] = {AT_LOCATION, 0x19,   0x2a,   0x38,   0x40,   0x46,   0x48,
                                     0x4a,        0x4d,   0x7e,   0x7f,   0x83,   0x84,   0x85,
                                     0x86,        0x2111, 0x2112, 0x2113, 0x2114, 0x2115, 0x2116};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i] == name)
            return true;
    return false;
}

/* A list's offset in its section, from its index in the unit's table. */
static uint32_t indexed_list(const struct debug_section *section, uint32_t table, uint64_t index)
{
    uint64_t at = index > section->size ? UINT32_MAX : table + 4 * index;
    struct cursor cursor = cursor_make(section->bytes, section->size, at, SIZE_MAX);
    return table + cursor_u32(&cursor);
}

static void note_list(struct walk *walk, uint16_t name, const struct value *value)
{
    const struct unit *unit = &walk->unit;
    bool ranges = name == AT_RANGES;
    bool indexed = value->form == FORM_RNGLISTX || value->form == FORM_LOCLISTX;
    bool offset = value->form == FORM_SEC_OFFSET ||
                  (unit->version < 4 && (value->form == FORM_DATA4 || value->form == FORM_DATA8));
    enum debug_kind kind = ranges ? DEBUG_RANGES : DEBUG_LOC;
    if (!indexed && !offset)
        return;
    if (unit->version >= 5)
        kind = ranges ? DEBUG_RNGLISTS : DEBUG_LOCLISTS;
    struct debug_list list = {(uint32_t)value->number, unit->low, unit->addresses};
    if (indexed)
        list.offset = indexed_list(&walk->debug->sections[kind],
                                   ranges ? unit->ranges : unit->locations, value->number);
    if (walk->debug->sections[kind].index != 0)
        vec_push(&walk->debug->lists[kind], list);
}

/* In place if there is room. */
static void put_udata(struct walk *walk, const struct value *value, uint64_t number)
{
    struct debug *debug = walk->debug;
    uint8_t *out = debug->sections[DEBUG_INFO].patched.at + value->at;
    unsigned needed = number == 0 ? 1 : (63u - (unsigned)__builtin_clzll(number)) / 7 + 1;
    if (needed > value->size) {
        struct growth growth = {(uint32_t)value->at, value->size, number};
        vec_push(&debug->growths, growth);
        walk->unit.grown += needed - value->size;
        return;
    }
    for (unsigned i = 0; i < value->size; i++, number >>= 7)
        out[i] = (number & 0x7f) | (i + 1 < value->size ? 0x80 : 0);
}

/* The end of a function or block: an address, or how far it is from the start. */
static bool move_end(struct walk *walk, uint32_t low, const struct value *high)
{
    struct debug *debug = walk->debug;
    struct bytes *out = &debug->sections[DEBUG_INFO].patched;
    if (is_index(high->form))
        return true;
    if (high->form == FORM_ADDR) {
        debug_put32(out, high->at, debug_end(debug, low, (uint32_t)high->number));
        return true;
    }
    uint64_t size = debug_end(debug, low, low + (uint32_t)high->number) - debug_start(debug, low);
    if (high->form == FORM_UDATA) {
        put_udata(walk, high, size);
        return true;
    }
    for (unsigned i = 0; i < high->size; i++, size >>= 8)
        out->at[high->at + i] = (uint8_t)size;
    return size == 0;
}

/* Expressions may name entries, too. */
static bool is_reference(uint16_t form)
{
    return (form >= FORM_REF_ADDR && form <= FORM_REF_UDATA) || form == FORM_EXPRLOC ||
           form == FORM_BLOCK1 || form == FORM_BLOCK2 || form == FORM_BLOCK4 || form == FORM_BLOCK;
}

/* What the first entry of a unit tells about all of them. Its attributes come in any order. */
static void read_unit_entry(struct walk *walk, const struct shape *shape)
{
    struct unit *unit = &walk->unit;
    struct value low = {0};
    struct cursor cursor = walk->cursor;
    for (uint32_t i = shape->first; i < shape->end; i++) {
        const struct attribute *attribute = &walk->attributes.at[i];
        struct value value = read_value(&cursor, attribute);
        switch (attribute->name) {
        case AT_LOW_PC:
            low = value;
            break;
        case AT_ADDR_BASE:
            unit->addresses = (uint32_t)value.number;
            break;
        case AT_RNGLISTS_BASE:
            unit->ranges = (uint32_t)value.number;
            break;
        case AT_LOCLISTS_BASE:
            unit->locations = (uint32_t)value.number;
            break;
        default:
            break;
        }
    }
    unit->low = address_of(walk, &low);
    unit->known = true;
}

static bool read_entry(struct walk *walk)
{
    struct cursor *cursor = &walk->cursor;
    size_t at = cursor_offset(cursor);
    uint64_t code = cursor_uleb(cursor);
    struct value low = {0}, high = {0};
    if (code == 0)
        return !cursor->bad || fail(walk, at, "the unit is damaged");
    if (code >= walk->shapes.count || walk->shapes.at[code].first == 0)
        return fail(walk, at, "an entry has no abbreviation");
    const struct shape *shape = &walk->shapes.at[code];
    if (!walk->unit.known)
        read_unit_entry(walk, shape);
    for (uint32_t i = shape->first; i < shape->end; i++) {
        const struct attribute *attribute = &walk->attributes.at[i];
        struct value value = read_value(cursor, attribute);
        walk->unit.refers |= is_reference(value.form);
        if (attribute->name == AT_LOW_PC)
            low = value;
        else if (attribute->name == AT_HIGH_PC)
            high = value;
        else if (attribute->name == AT_RANGES || is_location(attribute->name))
            note_list(walk, attribute->name, &value);
    }
    if (cursor->bad)
        return fail(walk, at, "an entry is damaged, or has an unknown form");
    if (low.form == 0 || high.form == 0 || move_end(walk, address_of(walk, &low), &high))
        return true;
    return fail(walk, at, "the length of a function has no room to grow");
}

/* Header of a unit: DWARF 5, 7.5.1. Returns the offset of its abbreviations. */
static uint32_t read_header(struct walk *walk)
{
    struct cursor *cursor = &walk->cursor;
    uint8_t type = 0, address_size = 4;
    walk->unit = (struct unit){.version = cursor_u16(cursor)};
    if (walk->unit.version >= 5) {
        type = cursor_u8(cursor);
        address_size = cursor_u8(cursor);
    }
    uint32_t abbrevs = cursor_u32(cursor);
    if (walk->unit.version < 5)
        address_size = cursor_u8(cursor);
    if (type == 2 || type == 6) /* a type unit: signature, offset of the type */
        cursor_skip(cursor, 12);
    else if (type == 4 || type == 5) /* a unit whose rest is in another file */
        cursor_skip(cursor, 8);
    cursor->bad |= address_size != 4 || walk->unit.version < 2 || walk->unit.version > 5;
    return abbrevs;
}

static bool walk_unit(struct walk *walk, size_t *at)
{
    const struct debug_section *section = &walk->debug->sections[DEBUG_INFO];
    struct cursor cursor = cursor_make(section->bytes, section->size, *at, SIZE_MAX);
    uint32_t length = cursor_u32(&cursor);
    if (cursor.bad || length > cursor_left(&cursor))
        return fail(walk, *at, "the unit leaves the section, or is in the 64-bit format");
    walk->cursor = cursor_make(section->bytes, section->size, *at + 4, *at + 4 + length);
    uint32_t abbrevs = read_header(walk);
    if (walk->cursor.bad)
        return fail(walk, *at, "the header is damaged, or not for i386");
    if (!read_abbrevs(walk, abbrevs))
        return false;
    while (cursor_left(&walk->cursor) > 0)
        if (!read_entry(walk))
            return false;
    if (walk->unit.grown != 0 && walk->unit.refers)
        return fail(walk, *at, "the length of a function has no room to grow");
    debug_put32(&walk->debug->sections[DEBUG_INFO].patched, *at, length + walk->unit.grown);
    *at += 4 + (size_t)length;
    return true;
}

/* Where what lies behind a number that grew will be. */
static void note_growths(struct debug *debug)
{
    struct bytes number = {0};
    uint32_t shift = 0;
    for (size_t i = 0; i < debug->growths.count; i++) {
        const struct growth *growth = &debug->growths.at[i];
        number.count = 0;
        debug_push_uleb(&number, growth->number);
        shift += (uint32_t)number.count - growth->old_size;
        uint32_t behind = growth->at + growth->old_size;
        struct moved moved = {behind, behind + shift};
        vec_push(&debug->sections[DEBUG_INFO].moved, moved);
    }
    free(number.at);
}

bool debug_walk_info(struct debug *debug)
{
    struct walk walk = {.debug = debug};
    bool ok = true;
    walk.budget = (uint64_t)debug->sections[DEBUG_ABBREV].size * ABBREV_READS + ABBREV_SLACK;
    for (size_t at = 0; ok && at < debug->sections[DEBUG_INFO].size;)
        ok = walk_unit(&walk, &at);
    free(walk.attributes.at);
    free(walk.shapes.at);
    note_growths(debug);
    return ok;
}

void debug_grow_info(struct debug *debug)
{
    struct debug_section *section = &debug->sections[DEBUG_INFO];
    size_t copied = 0;
    for (size_t i = 0; i < debug->growths.count; i++) {
        const struct growth *growth = &debug->growths.at[i];
        bytes_append(&section->grown, section->patched.at + copied, growth->at - copied);
        debug_push_uleb(&section->grown, growth->number);
        copied = growth->at + growth->old_size;
    }
    if (copied != 0)
        bytes_append(&section->grown, section->patched.at + copied, section->size - copied);
}
