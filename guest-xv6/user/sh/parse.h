/*
 * The shell's syntax:
 *   list     = pipeline { (";" | "&") pipeline } [";" | "&"]
 *   pipeline = stage { "|" stage }
 *   stage    = word { word | redirect }  |  "(" list ")" { redirect }
 *   redirect = ("<" | ">" | ">>") word
 */
#ifndef SH_PARSE_H
#define SH_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#define SH_LINE_MAX  2048 /* bytes of a line, its terminator included */
#define SH_DEPTH_MAX 8    /* nested parentheses; the user stack is a single page */
#define SH_WORDS_MAX 31   /* words of a command: exec takes 32 pointers with the null at the end */

enum sh_redirect_kind { SH_INPUT, SH_OUTPUT, SH_APPEND };

struct sh_redirect {
    struct sh_redirect *next;
    enum sh_redirect_kind kind;
    char *path;
};

struct sh_stage {
    struct sh_stage *next;     /* reads what this one writes */
    struct sh_pipeline *group; /* the list in parentheses, or NULL: argv is a command */
    char **argv;
    int argc;
    struct sh_redirect *redirects;
};

struct sh_pipeline {
    struct sh_pipeline *next;
    struct sh_stage *stages;
    bool background;
};

/*
 * Parses a line, which is changed: words are terminated in place. All nodes are taken from `arena`,
 * which needs sh_arena_bytes(strlen(line)) bytes, 8-byte aligned. Returns NULL with *error set to a
 * message on a syntax error, and NULL with *error NULL on an empty line.
 */
struct sh_pipeline *sh_parse(char *line, void *arena, size_t arena_bytes, const char **error);
size_t sh_arena_bytes(size_t line_bytes);

#endif
