/* The shell's parser: each line is parsed and written out again in one canonical form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse.h"

#define TEXT_MAX 65536

static void write_list(char *to, const struct sh_pipeline *list);

static void append(char *to, const char *text)
{
    assert_true(strlen(to) + strlen(text) < TEXT_MAX);
    strcat(to, text);
}

static void write_stage(char *to, const struct sh_stage *stage)
{
    static const char *const operators[] = {" <", " >", " >>"};

    if (stage->group) {
        append(to, "(");
        write_list(to, stage->group);
        append(to, ")");
    }
    for (int i = 0; i < stage->argc; i++) {
        append(to, i ? "," : "");
        append(to, stage->argv[i]);
    }
    assert_true(stage->group || stage->argv[stage->argc] == NULL);
    for (const struct sh_redirect *redirect = stage->redirects; redirect;
         redirect = redirect->next) {
        append(to, operators[redirect->kind]);
        append(to, redirect->path);
    }
}

static void write_list(char *to, const struct sh_pipeline *list)
{
    for (; list; list = list->next) {
        for (const struct sh_stage *stage = list->stages; stage; stage = stage->next) {
            write_stage(to, stage);
            append(to, stage->next ? "|" : "");
        }
        append(to, list->background ? "&" : ";");
    }
}

/* Stores the canonical form, or "error: MESSAGE". The copies lie on the heap, where the sanitizer
 * guards their ends. */
static void parse(const char *text, char *result)
{
    char *line = strdup(text);
    size_t bytes = sh_arena_bytes(strlen(line));
    void *arena = malloc(bytes);
    const char *error = NULL;
    const struct sh_pipeline *list = sh_parse(line, arena, bytes, &error);

    result[0] = '\0';
    if (error) {
        assert_null(list);
        append(result, "error: ");
        append(result, error);
    } else {
        write_list(result, list);
    }
    free(arena);
    free(line);
}

static void expect(const char *line, const char *wanted)
{
    static char result[TEXT_MAX];

    parse(line, result);
    assert_string_equal(result, wanted);
}

static void test_commands(void **state)
{
    (void)state;
    expect("", "");
    expect("\n", "");
    expect("  \t\n", "");
    expect("ls\n", "ls;");
    expect("echo a  b\tc\n", "echo,a,b,c;");
    expect("a;b;c", "a;b;c;");
    expect("a ; b ;", "a;b;");
    expect("a&b&", "a&b&");
    expect("sleep 5 & ls", "sleep,5&ls;");
}

static void test_pipes(void **state)
{
    (void)state;
    expect("a|b | c x", "a|b|c,x;");
    expect("cat README | grep x | wc; ls", "cat,README|grep,x|wc;ls;");
    expect("a | b & c", "a|b&c;");
}

static void test_redirects(void **state)
{
    (void)state;
    expect("cat<in>out", "cat <in >out;");
    expect("echo a >> log b", "echo,a,b >>log;");
    expect("> out echo x", "echo,x >out;");
    expect("a >b;c <d|e", "a >b;c <d|e;");
    expect("(a;b) > c", "(a;b;) >c;");
    expect("a > b > c", "a >b >c;");
}

static void test_groups(void **state)
{
    (void)state;
    expect("(a)", "(a;);");
    expect("(a;b)|(c&)", "(a;b;)|(c&);");
    expect("((((a))))", "((((a;););););");
    expect("(a)&b", "(a;)&b;");
    expect("((((((((a))))))))", "((((((((a;););););););););");
}

static void test_errors(void **state)
{
    (void)state;
    expect("a |", "error: a command is missing");
    expect("| a", "error: a command is missing");
    expect(";", "error: a command is missing");
    expect("a ;; b", "error: a command is missing");
    expect("&", "error: a command is missing");
    expect("< in", "error: a command is missing");
    expect("a >", "error: a file name is missing");
    expect("a > ; b", "error: a file name is missing");
    expect("a >>> b", "error: a file name is missing");
    expect("(a", "error: a ) is missing");
    expect("()", "error: a command is missing in ( )");
    expect("a)", "error: unexpected characters after a command");
    expect("(a) b", "error: unexpected characters after a command");
    expect("a (b)", "error: unexpected characters after a command");
    expect("(((((((((a)))))))))", "error: too many nested parentheses");
}

static void test_argument_limit(void **state)
{
    char line[SH_WORDS_MAX * 2 + 3] = "";
    static char wanted[TEXT_MAX];

    (void)state;
    for (int i = 0; i < SH_WORDS_MAX; i++)
        strcat(line, "w ");
    parse(line, wanted);
    assert_int_equal(strlen(wanted), 2 * SH_WORDS_MAX);
    strcat(line, "w");
    expect(line, "error: too many arguments");
}

static void test_long_lists(void **state)
{
    static char line[SH_LINE_MAX], wanted[TEXT_MAX];
    static const char *const parts[] = {"a;", "a&", "<b a;", "a|a;", "(a);", "echo x;"};

    (void)state;
    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
        line[0] = '\0';
        while (strlen(line) + strlen(parts[part]) < sizeof(line))
            strcat(line, parts[part]);
        parse(line, wanted);
        assert_null(strstr(wanted, "error"));
    }
}

/* Any line is parsed or refused; the arena that sh_arena_bytes asks for is always enough. */
static void test_random_lines(void **state)
{
    static const char alphabet[] = "aab  <>|&;()";
    static char result[TEXT_MAX];
    unsigned seed = 1, good = 0;

    (void)state;
    for (int round = 0; round < 50000; round++) {
        char line[32] = "";
        seed = seed * 1103515245u + 12345u;
        unsigned length = seed >> 16 & 15;
        for (unsigned i = 0; i < length; i++) {
            seed = seed * 1103515245u + 12345u;
            line[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        parse(line, result);
        assert_null(strstr(result, "too long"));
        good += strstr(result, "error") == NULL;
    }
    assert_in_range(good, 1000, 49000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_redirects),  cmocka_unit_test(test_groups),
        cmocka_unit_test(test_errors),     cmocka_unit_test(test_argument_limit),
        cmocka_unit_test(test_long_lists), cmocka_unit_test(test_random_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
