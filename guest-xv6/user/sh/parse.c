#include "parse.h"

/* The most that two characters of input (`a&`) can ask for: a pipeline, a stage, an argv of two
 * pointers. */
#define BYTES_PER_PAIR                                                                             \
    (sizeof(struct sh_pipeline) + sizeof(struct sh_stage) + sizeof(struct sh_redirect) +           \
     2 * sizeof(char *))

struct parser {
    char *cursor;
    char *arena, *arena_end;
    const char *error;
    char *word_end; /* where the last word is to be terminated, once its delimiter was read */
    int depth;
};

static struct sh_pipeline *parse_list(struct parser *parser);

size_t sh_arena_bytes(size_t line_bytes)
{
    return (line_bytes / 2 + 2) * BYTES_PER_PAIR;
}

static void *set_error(struct parser *parser, const char *message)
{
    if (!parser->error)
        parser->error = message;
    return NULL;
}

static void *allocate(struct parser *parser, size_t bytes)
{
    bytes = (bytes + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
    if ((size_t)(parser->arena_end - parser->arena) < bytes)
        return set_error(parser, "command too long");
    char *memory = parser->arena;
    parser->arena += bytes;
    for (size_t i = 0; i < bytes; i++)
        memory[i] = 0;
    return memory;
}

static bool is_one_of(char c, const char *set)
{
    for (; *set; set++) {
        if (c == *set)
            return true;
    }
    return false;
}

static bool is_blank(char c)
{
    return is_one_of(c, " \t\r\n\v");
}

/* The next character that is not blank; '\0' at the end. */
static char peek(struct parser *parser)
{
    while (is_blank(*parser->cursor))
        parser->cursor++;
    return *parser->cursor;
}

static bool at_word(struct parser *parser)
{
    char c = peek(parser);

    return c != '\0' && !is_one_of(c, "<>|&;()");
}

/* Terminating a word at once would wipe out the operator that may touch it, so that waits until the
 * operator is read. */
static void terminate_word(struct parser *parser)
{
    if (parser->word_end)
        *parser->word_end = '\0';
    parser->word_end = NULL;
}

static char take(struct parser *parser)
{
    char c = peek(parser);

    parser->cursor++;
    terminate_word(parser);
    return c;
}

static char *take_word(struct parser *parser)
{
    if (!at_word(parser))
        return set_error(parser, "a file name is missing");
    char *word = parser->cursor;
    terminate_word(parser);
    while (*parser->cursor && !is_blank(*parser->cursor) && !is_one_of(*parser->cursor, "<>|&;()"))
        parser->cursor++;
    parser->word_end = parser->cursor;
    return word;
}

static bool at_redirect(struct parser *parser)
{
    return is_one_of(peek(parser), "<>") && *parser->cursor != '\0';
}

static bool parse_redirect(struct parser *parser, struct sh_redirect ***tail)
{
    struct sh_redirect *redirect = allocate(parser, sizeof(*redirect));

    if (!redirect)
        return false;
    redirect->kind = take(parser) == '<' ? SH_INPUT : SH_OUTPUT;
    if (redirect->kind == SH_OUTPUT && *parser->cursor == '>') {
        parser->cursor++;
        redirect->kind = SH_APPEND;
    }
    redirect->path = take_word(parser);
    **tail = redirect;
    *tail = &redirect->next;
    return redirect->path != NULL;
}

static bool store_words(struct parser *parser, struct sh_stage *stage, char **words, int count)
{
    stage->argv = allocate(parser, (size_t)(count + 1) * sizeof(char *));
    if (!stage->argv)
        return false;
    for (int i = 0; i < count; i++)
        stage->argv[i] = words[i];
    stage->argc = count;
    return true;
}

static bool parse_command(struct parser *parser, struct sh_stage *stage)
{
    struct sh_redirect **tail = &stage->redirects;
    char *words[SH_WORDS_MAX];
    int count = 0;

    while (at_word(parser) || at_redirect(parser)) {
        if (at_redirect(parser)) {
            if (!parse_redirect(parser, &tail))
                return false;
            continue;
        }
        if (count == SH_WORDS_MAX)
            return set_error(parser, "too many arguments");
        words[count++] = take_word(parser);
    }
    if (count == 0)
        return set_error(parser, "a command is missing");
    return store_words(parser, stage, words, count);
}

static bool parse_group(struct parser *parser, struct sh_stage *stage)
{
    struct sh_redirect **tail = &stage->redirects;

    take(parser);
    if (++parser->depth > SH_DEPTH_MAX)
        return set_error(parser, "too many nested parentheses");
    stage->group = parse_list(parser);
    parser->depth--;
    if (!stage->group)
        return set_error(parser, "a command is missing in ( )");
    if (peek(parser) != ')')
        return set_error(parser, "a ) is missing");
    take(parser);
    while (at_redirect(parser)) {
        if (!parse_redirect(parser, &tail))
            return false;
    }
    return true;
}

static struct sh_stage *parse_stages(struct parser *parser)
{
    struct sh_stage *first = NULL;
    struct sh_stage **tail = &first;

    for (;;) {
        struct sh_stage *stage = allocate(parser, sizeof(*stage));
        if (!stage)
            return NULL;
        bool good = peek(parser) == '(' ? parse_group(parser, stage) : parse_command(parser, stage);
        if (!good)
            return NULL;
        *tail = stage;
        tail = &stage->next;
        if (peek(parser) != '|')
            return first;
        take(parser);
    }
}

static struct sh_pipeline *parse_list(struct parser *parser)
{
    struct sh_pipeline *first = NULL;
    struct sh_pipeline **tail = &first;

    while (peek(parser) != '\0' && *parser->cursor != ')') {
        struct sh_pipeline *pipeline = allocate(parser, sizeof(*pipeline));
        if (!pipeline)
            return NULL;
        pipeline->stages = parse_stages(parser);
        if (!pipeline->stages)
            return NULL;
        *tail = pipeline;
        tail = &pipeline->next;
        if (!is_one_of(peek(parser), ";&"))
            return first;
        if (*parser->cursor != '\0')
            pipeline->background = take(parser) == '&';
    }
    return first;
}

struct sh_pipeline *sh_parse(char *line, void *arena, size_t arena_bytes, const char **error)
{
    struct parser parser = {
        .cursor = line,
        .arena = arena,
        .arena_end = (char *)arena + arena_bytes,
    };
    struct sh_pipeline *list = parse_list(&parser);

    if (!parser.error && peek(&parser) != '\0')
        set_error(&parser, "unexpected characters after a command");
    terminate_word(&parser);
    *error = parser.error;
    return parser.error ? NULL : list;
}
