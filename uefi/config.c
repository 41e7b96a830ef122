#include "config.h"

#include <kmv/contract.h>

#define MIB 0x100000u

#define LINE_MAX (CONFIG_STRING_MAX + 128)

/* As written: what leaves room for CONFIG_FOLDER in front. */
#define PATH_LENGTH_MAX (CONFIG_PATH_MAX - sizeof(CONFIG_FOLDER))

#define CLIP_LENGTH 60

#define ALLOWED_PATH "a path of 1 to 240 characters"

struct key {
    const char *name;
    bool (*set)(struct config *config, const char *value); /* false: the value isn't allowed */
    const char *allowed;
    bool repeatable;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0' && !is_blank(text[length]))
        length++;
    return length;
}

static bool set_string(char *out, size_t size, const char *value)
{
    size_t length = strlen(value);
    if (length >= size)
        return false;
    memcpy(out, value, length + 1);
    return true;
}

/* UEFI's file protocol knows only backslashes (UEFI 2.10, 13.5.2). */
static bool set_path(char *out, const char *value, size_t length)
{
    bool absolute = value[0] == '/' || value[0] == '\\';
    size_t prefix = absolute ? 0 : strlen(CONFIG_FOLDER);

    if (length == 0 || length > PATH_LENGTH_MAX)
        return false;
    memcpy(out, CONFIG_FOLDER, prefix);
    for (size_t i = 0; i < length; i++)
        out[prefix + i] = value[i] == '/' ? '\\' : value[i];
    out[prefix + length] = '\0';
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static bool parse_number(const char *text, int base, uint32_t *out)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        int digit = digit_value(*text);
        if (digit >= base)
            return false;
        value = value * (uint64_t)base + (uint64_t)digit;
        if (value > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool set_hypervisor(struct config *config, const char *value)
{
    return set_path(config->hypervisor, value, strlen(value));
}

static bool set_kernel(struct config *config, const char *value)
{
    return set_path(config->kernel, value, strlen(value));
}

static bool set_module(struct config *config, const char *value)
{
    if (config->module_count == CONFIG_MODULES_MAX)
        return false;
    struct config_module *module = &config->modules[config->module_count++];
    return set_path(module->path, value, word_length(value)) &&
           set_string(module->string, sizeof(module->string), value);
}

static bool set_cmdline(struct config *config, const char *value)
{
    return set_string(config->cmdline, sizeof(config->cmdline), value);
}

static bool set_memory(struct config *config, const char *value)
{
    return parse_number(value, 10, &config->memory_mib) &&
           config->memory_mib >= CONFIG_MEMORY_MIN && config->memory_mib <= KMV_GUEST_RAM_MAX / MIB;
}

static bool set_mirror(struct config *config, const char *value)
{
    config->mirror = strcmp(value, "on") == 0;
    return config->mirror || strcmp(value, "off") == 0;
}

static bool set_on_stop(struct config *config, const char *value)
{
    config->restart = strcmp(value, "restart") == 0;
    return config->restart || strcmp(value, "off") == 0;
}

static bool set_offset(struct config *config, const char *value)
{
    if (value[0] == '0' && (value[1] == 'x' || value[1] == 'X'))
        value += 2;
    return parse_number(value, 16, &config->offset) && KMV_OFFSET_IS_VALID(config->offset) &&
           config->offset < KMV_TABLES_GPA_BASE;
}

static bool set_spare(struct config *config, const char *value)
{
    return parse_number(value, 10, &config->spare_mib) &&
           config->spare_mib <= KMV_GUEST_RAM_MAX / MIB;
}

static bool set_stats(struct config *config, const char *value)
{
    return parse_number(value, 10, &config->stats_megaticks);
}

static bool set_scrub(struct config *config, const char *value)
{
    return parse_number(value, 10, &config->scrub_permille) &&
           config->scrub_permille <= CONFIG_SCRUB_MAX;
}

enum {
    KEY_HYPERVISOR,
    KEY_KERNEL,
    KEY_MODULE,
    KEY_CMDLINE,
    KEY_MEMORY,
    KEY_MIRROR,
    KEY_OFFSET,
    KEY_SPARE,
    KEY_SCRUB,
    KEY_ON_STOP,
    KEY_STATS,
    KEY_COUNT
};

static const struct key keys[KEY_COUNT] = {
    [KEY_HYPERVISOR] = {"hypervisor", set_hypervisor, ALLOWED_PATH, false},
    [KEY_KERNEL] = {"kernel", set_kernel, ALLOWED_PATH, false},
    [KEY_MODULE] = {"module", set_module, ALLOWED_PATH " and arguments, at most 16 modules", true},
    [KEY_CMDLINE] = {"cmdline", set_cmdline, "at most 1023 characters", false},
    [KEY_MEMORY] = {"memory", set_memory, "4 to 864 (MiB)", false},
    [KEY_MIRROR] = {"mirror", set_mirror, "on, off", false},
    [KEY_OFFSET] = {"offset", set_offset, "hexadecimal 8000000, 18000000 ... d8000000", false},
    [KEY_SPARE] = {"spare", set_spare, "0 to 864 (MiB)", false},
    [KEY_SCRUB] = {"scrub", set_scrub, "0 to 500 (permille of the time)", false},
    [KEY_ON_STOP] = {"on_stop", set_on_stop, "off, restart", false},
    [KEY_STATS] = {"stats", set_stats, "0 to 4294967295 (millions of ticks)", false},
};

_Static_assert(KMV_GUEST_RAM_MAX / MIB == 864, "the allowed memory in keys[]");
_Static_assert(CONFIG_MODULES_MAX == 16 && CONFIG_STRING_MAX == 1024, "the limits in keys[]");
_Static_assert(PATH_LENGTH_MAX == 240, "ALLOWED_PATH");

/* Index in keys[], KEY_COUNT for a name that isn't there. */
static unsigned find_key(const char *name)
{
    unsigned i = 0;
    while (i < KEY_COUNT && strcmp(keys[i].name, name) != 0)
        i++;
    return i;
}

/* Cuts comment and blanks off, in place; returns the start of what is left. */
static char *strip(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if (*c == '#' && (c == line || is_blank(c[-1])))
            *c = '\0';
        if (*c == '\0')
            break;
    }
    while (is_blank(*line))
        line++;
    size_t length = strlen(line);
    while (length > 0 && is_blank(line[length - 1]))
        line[--length] = '\0';
    return line;
}

/* Shortens text that goes into an error, so that what follows it still fits. */
static const char *clip(char *text)
{
    if (strlen(text) > CLIP_LENGTH)
        text[CLIP_LENGTH] = '\0';
    return text;
}

/* given: one bit for each of keys[] that was seen. */
static bool parse_line(struct config *config, uint32_t *given, char *line, unsigned number,
                       struct error *error)
{
    char *name = strip(line);
    if (*name == '\0')
        return true;
    char *value = strchr(name, '=');
    if (value == NULL)
        return refuse(error, "line %u: '%s' is not of the form key = value", number, clip(name));
    *value++ = '\0';
    name = strip(name);
    value = strip(value);
    unsigned index = find_key(name);
    if (index == KEY_COUNT)
        return refuse(error,
                      "line %u: unknown key '%s': allowed are hypervisor, kernel, module, cmdline, "
                      "memory, mirror, offset, spare, scrub, on_stop, stats",
                      number, clip(name));
    if ((*given >> index & 1) && !keys[index].repeatable)
        return refuse(error, "line %u: %s is given twice: keep one of the lines", number, name);
    *given |= 1u << index;
    if (!keys[index].set(config, value))
        return refuse(error, "line %u: %s = '%s' is not allowed: %s", number, name, clip(value),
                      keys[index].allowed);
    return true;
}

/* Copies the line at *position, without its end, and moves *position behind it. */
static bool next_line(struct bytes text, uint64_t *position, char *line, unsigned number,
                      struct error *error)
{
    size_t length = 0;

    while (*position < text.size) {
        uint8_t c = text.data[(*position)++];
        if (c == '\n')
            break;
        if (c == '\r' && (*position == text.size || text.data[*position] == '\n'))
            continue;
        if (c != '\t' && (c < 0x20 || c > 0x7E))
            return refuse(error, "line %u: byte 0x%x is not allowed: use printable ASCII", number,
                          c);
        if (length == LINE_MAX - 1)
            return refuse(error, "line %u: longer than %u characters", number, LINE_MAX - 1u);
        line[length++] = (char)c;
    }
    line[length] = '\0';
    return true;
}

uint32_t config_memory_limit(uint32_t offset)
{
    /* Guest RAM must end below the sink where writes to devices' mirrors land, its mirror below the
     * tables window. */
    uint32_t sink = KMV_DEVICE_BASE + offset;
    uint32_t window = KMV_TABLES_GPA_BASE - offset;
    uint32_t limit = KMV_GUEST_RAM_MAX;

    if (limit > sink)
        limit = sink;
    if (limit > window)
        limit = window;
    return limit / MIB;
}

static bool complete(struct config *config, uint32_t given, struct error *error)
{
    uint32_t limit = config_memory_limit(config->offset);

    if (!(given >> KEY_KERNEL & 1))
        return refuse(error, "no kernel is given: add a line kernel = PATH");
    if (config->memory_mib > limit)
        return refuse(error, "memory = '%u' is not allowed: 4 to %u (MiB) with offset 0x%x",
                      config->memory_mib, limit, config->offset);
    if (!(given >> KEY_SPARE & 1))
        config->spare_mib = config->memory_mib < 64 ? 1 : config->memory_mib / 64;
    return true;
}

bool config_parse(struct bytes text, struct config *config, struct error *error)
{
    char line[LINE_MAX];
    uint64_t position = 0;
    uint32_t given = 0;

    memset(config, 0, sizeof(*config));
    set_hypervisor(config, "hv.elf");
    config->memory_mib = 128;
    config->mirror = true;
    config->offset = KMV_OFFSET_DEFAULT;
    for (unsigned number = 1; position < text.size; number++) {
        if (!next_line(text, &position, line, number, error) ||
            !parse_line(config, &given, line, number, error))
            return false;
    }
    return complete(config, given, error);
}
