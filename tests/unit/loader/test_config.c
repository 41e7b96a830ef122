/* Configuration: each key, each error text, the limits that the address contract sets. */
#include "loader_test.h"

#include "config.h"

#include <kmv/contract.h>

#include <stdio.h>
#include <stdlib.h>

static bool parse(const char *text, struct config *config, struct error *error)
{
    size_t size = strlen(text);
    uint8_t *exact = malloc(size + 1); /* ASan guards the end, there is no NUL to lean on */
    memcpy(exact + 1, text, size);
    bool parsed = config_parse((struct bytes){exact + 1, size}, config, error);
    free(exact);
    return parsed;
}

static void parse_ok(const char *text, struct config *config)
{
    struct error error = {"test", ""};
    if (!parse(text, config, &error))
        fail_msg("'%s' refused: %s", text, error.text);
}

static void test_defaults(void **state)
{
    struct config config;
    (void)state;

    parse_ok("kernel = k.elf", &config);
    assert_string_equal(config.hypervisor, "\\EFI\\kmemvisor\\hv.elf");
    assert_string_equal(config.kernel, "\\EFI\\kmemvisor\\k.elf");
    assert_string_equal(config.cmdline, "");
    assert_int_equal(config.module_count, 0);
    assert_int_equal(config.memory_mib, 128);
    assert_int_equal(config.spare_mib, 2);
    assert_int_equal(config.offset, KMV_OFFSET_DEFAULT);
    assert_true(config.mirror);
    assert_false(config.restart);
    assert_int_equal(config.stats_megaticks, 0);
}

static void test_every_key(void **state)
{
    struct config config;
    (void)state;

    parse_ok("# a comment\r\n"
             "hypervisor = \\boot\\my hv.elf\r\n"
             "\r\n"
             "  kernel\t=  /boot/kernel.elf   # trailing comment\r\n"
             "module = disk.img root=0  rw\r\n"
             "module=/other.bin\r\n"
             "cmdline = a=b c#d   \r\n"
             "memory = 64\r\n"
             "mirror = off\r\n"
             "offset = 0x18000000\r\n"
             "spare = 7\r\n"
             "scrub = 500\r\n"
             "on_stop = restart\r\n"
             "stats = 50\r\n",
             &config);
    assert_int_equal(config.stats_megaticks, 50);
    assert_true(config.restart);
    assert_string_equal(config.hypervisor, "\\boot\\my hv.elf");
    assert_string_equal(config.kernel, "\\boot\\kernel.elf");
    assert_int_equal(config.module_count, 2);
    assert_string_equal(config.modules[0].path, "\\EFI\\kmemvisor\\disk.img");
    assert_string_equal(config.modules[0].string, "disk.img root=0  rw");
    assert_string_equal(config.modules[1].path, "\\other.bin");
    assert_string_equal(config.modules[1].string, "/other.bin");
    assert_string_equal(config.cmdline, "a=b c#d");
    assert_int_equal(config.memory_mib, 64);
    assert_false(config.mirror);
    assert_int_equal(config.offset, 0x18000000);
    assert_int_equal(config.spare_mib, 7);
    assert_int_equal(config.scrub_permille, 500);
}

static void test_spellings(void **state)
{
    struct config config;
    (void)state;

    parse_ok("kernel = k\noffset = D8000000\nmirror = on\ncmdline =\n", &config);
    assert_int_equal(config.offset, 0xD8000000);
    assert_true(config.mirror);
    assert_string_equal(config.cmdline, "");
    parse_ok("memory = 4\nkernel = k", &config);
    assert_int_equal(config.memory_mib, 4);
    assert_int_equal(config.spare_mib, 1);
    parse_ok("spare = 0\nkernel = k", &config);
    assert_int_equal(config.spare_mib, 0);
    parse_ok("memory = 864\nkernel = k\r", &config);
    assert_int_equal(config.memory_mib, 864);
    assert_int_equal(config.spare_mib, 13);
    assert_string_equal(config.kernel, "\\EFI\\kmemvisor\\k");
}

struct refusal {
    const char *text;
    const char *error; /* whole */
};

#define PATHS  "a path of 1 to 240 characters"
#define MEMORY "4 to 864 (MiB)"
#define OFFSET "hexadecimal 8000000, 18000000 ... d8000000"

static const struct refusal refusals[] = {
    {"", "no kernel is given: add a line kernel = PATH"},
    {"memory = 64\n", "no kernel is given: add a line kernel = PATH"},
    {"# kernel = k\n", "no kernel is given: add a line kernel = PATH"},
    {"kernel = k\nkernle = k\n",
     "line 2: unknown key 'kernle': allowed are hypervisor, kernel, module, cmdline, memory, "
     "mirror, offset, spare, scrub, on_stop, stats"},
    {"= k\n", "line 1: unknown key '': allowed are hypervisor, kernel, module, cmdline, memory, "
              "mirror, offset, spare, scrub, on_stop, stats"},
    {"kernel k\n", "line 1: 'kernel k' is not of the form key = value"},
    {"kernel = k\nkernel = l\n", "line 2: kernel is given twice: keep one of the lines"},
    {"mirror = on\n\nmirror = on\n", "line 3: mirror is given twice: keep one of the lines"},
    {"kernel =\n", "line 1: kernel = '' is not allowed: " PATHS},
    {"hypervisor = # none\n", "line 1: hypervisor = '' is not allowed: " PATHS},
    {"module =\n",
     "line 1: module = '' is not allowed: " PATHS " and arguments, at most 16 modules"},
    {"memory = 3\n", "line 1: memory = '3' is not allowed: " MEMORY},
    {"memory = 865\n", "line 1: memory = '865' is not allowed: " MEMORY},
    {"memory = 4294967424\n", "line 1: memory = '4294967424' is not allowed: " MEMORY},
    {"memory = 0x80\n", "line 1: memory = '0x80' is not allowed: " MEMORY},
    {"memory = -1\n", "line 1: memory = '-1' is not allowed: " MEMORY},
    {"memory = 64M\n", "line 1: memory = '64M' is not allowed: " MEMORY},
    {"memory =\n", "line 1: memory = '' is not allowed: " MEMORY},
    {"mirror = yes\n", "line 1: mirror = 'yes' is not allowed: on, off"},
    {"mirror = On\n", "line 1: mirror = 'On' is not allowed: on, off"},
    {"offset = 10000000\n", "line 1: offset = '10000000' is not allowed: " OFFSET},
    {"offset = 0\n", "line 1: offset = '0' is not allowed: " OFFSET},
    {"offset = 0x\n", "line 1: offset = '0x' is not allowed: " OFFSET},
    {"offset = 38001000\n", "line 1: offset = '38001000' is not allowed: " OFFSET},
    {"offset = E8000000\n", "line 1: offset = 'E8000000' is not allowed: " OFFSET},
    {"offset = 138000000\n", "line 1: offset = '138000000' is not allowed: " OFFSET},
    {"offset = 3800000g\n", "line 1: offset = '3800000g' is not allowed: " OFFSET},
    {"spare = 865\n", "line 1: spare = '865' is not allowed: 0 to 864 (MiB)"},
    {"spare = two\n", "line 1: spare = 'two' is not allowed: 0 to 864 (MiB)"},
    {"scrub = 501\n", "line 1: scrub = '501' is not allowed: 0 to 500 (permille of the time)"},
    {"on_stop = halt\n", "line 1: on_stop = 'halt' is not allowed: off, restart"},
    {"stats = 1 s\n", "line 1: stats = '1 s' is not allowed: 0 to 4294967295 (millions of ticks)"},
    {"kernel = k\xc3\xa4\n", "line 1: byte 0xc3 is not allowed: use printable ASCII"},
    {"kernel = k\n\x7f", "line 2: byte 0x7f is not allowed: use printable ASCII"},
    {"kernel = k\rmemory = 4\n", "line 1: byte 0xd is not allowed: use printable ASCII"},
    {"kernel = k\nmemory = 97\noffset = 8000000\n",
     "memory = '97' is not allowed: 4 to 96 (MiB) with offset 0x8000000"},
    {"kernel = k\noffset = 8000000\n",
     "memory = '128' is not allowed: 4 to 96 (MiB) with offset 0x8000000"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct config config;
        struct error error = {"test", ""};
        if (parse(refusals[i].text, &config, &error))
            fail_msg("'%s' accepted", refusals[i].text);
        assert_string_equal(error.text, refusals[i].error);
    }
}

/* reason "": accepted. */
static void expect_length(const char *format, int length, const char *reason)
{
    char padding[2048];
    char text[4096];
    struct config config;
    struct error error = {"test", ""};

    memset(padding, 'x', sizeof(padding));
    snprintf(text, sizeof(text), format, length, padding);
    if (parse(text, &config, &error) != (reason[0] == '\0'))
        fail_msg("length %d of '%s': %s", length, format, error.text);
    assert_error_has(&error, reason);
}

#define X58 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X60 "cmdline = 'xx" X58

static void test_lengths(void **state)
{
    (void)state;
    expect_length("kernel = %.*s\n", 240, "");
    expect_length("kernel = %.*s\n", 241, "is not allowed: " PATHS);
    expect_length("kernel = /%.*s\n", 239, "");
    expect_length("kernel = /%.*s\n", 240, "is not allowed: " PATHS);
    expect_length("kernel = k\ncmdline = %.*s\n", 1023, "");
    expect_length("kernel = k\ncmdline = %.*s\n", 1024,
                  X60 "' is not allowed: at most 1023 characters");
    expect_length("kernel = k\nmodule = m %.*s\n", 1021, "");
    expect_length("kernel = k\nmodule = m %.*s\n", 1022,
                  X58 "' is not allowed: " PATHS " and arguments");
    expect_length("%.*s\n", 1000, "line 1: 'xx" X58 "' is not of the form key = value");
    expect_length("%.*s = k\n", 1000, "unknown key 'xx" X58 "': allowed are");
    expect_length("kernel = k\n#%.*s\n", 1150, "");
    expect_length("kernel = k\n#%.*s\n", 1151, "line 2: longer than 1151 characters");
}

static void test_module_count(void **state)
{
    char text[512] = "kernel = k\n";
    struct config config;
    struct error error = {"test", ""};
    (void)state;

    for (int i = 0; i < CONFIG_MODULES_MAX; i++)
        strcat(text, "module = m\n");
    parse_ok(text, &config);
    assert_int_equal(config.module_count, CONFIG_MODULES_MAX);
    strcat(text, "module = m\n");
    assert_false(parse(text, &config, &error));
    assert_error_has(&error, "line 18: module = 'm' is not allowed");
    assert_error_has(&error, "at most 16 modules");
}

static void test_memory_limit(void **state)
{
    (void)state;
    assert_int_equal(config_memory_limit(0x38000000), 864);
    assert_int_equal(config_memory_limit(0x18000000), 0x160);
    assert_int_equal(config_memory_limit(0x08000000), 96);
    assert_int_equal(config_memory_limit(0xD8000000), 128);
    assert_int_equal(config_memory_limit(0xA8000000), 864);
}

static void test_random_text(void **state)
{
    static const char alphabet[] = "kernel=moduspaifft0123456789 \t#\r\n\\/x\0\xff";
    unsigned accepted = 0;
    (void)state;

    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t size = 1 + (size_t)rand() % 80;
        struct config config;
        struct error error = {"test", ""};
        size_t prefix = round % 2 == 0 ? 9 : 0;
        uint8_t *text = malloc(size + prefix);
        memcpy(text, "kernel=k\n", prefix);
        for (size_t i = prefix; i < size + prefix; i++)
            text[i] = (uint8_t)alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        if (config_parse((struct bytes){text, size + prefix}, &config, &error))
            accepted++;
        else
            assert_true(error.text[0] != '\0');
        free(text);
    }
    assert_true(accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_spellings),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_lengths),      cmocka_unit_test(test_module_count),
        cmocka_unit_test(test_memory_limit), cmocka_unit_test(test_random_text),
    };
    return cmocka_run_group_tests_name("loader: configuration", tests, NULL, NULL);
}
