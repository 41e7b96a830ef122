/* Lines that match a pattern: ^ start, $ end, . any character, * any number of the character
 * before. */
#include <stdbool.h>

#include "user.h"

static const char usage_text[] = "grep PATTERN [FILE...]    (standard input without FILE)";

static bool match_here(const char *pattern, const char *text);

static bool match_one(char pattern, char c)
{
    return c != '\0' && (pattern == '.' || pattern == c);
}

static bool match_star(char repeated, const char *pattern, const char *text)
{
    do {
        if (match_here(pattern, text))
            return true;
    } while (match_one(repeated, *text++));
    return false;
}

static bool match_here(const char *pattern, const char *text)
{
    for (; *pattern; pattern++, text++) {
        if (pattern[1] == '*')
            return match_star(pattern[0], pattern + 2, text);
        if (pattern[0] == '$' && pattern[1] == '\0')
            return *text == '\0';
        if (!match_one(*pattern, *text))
            return false;
    }
    return true;
}

static bool matches(const char *pattern, const char *text)
{
    if (*pattern == '^')
        return match_here(pattern + 1, text);
    do {
        if (match_here(pattern, text))
            return true;
    } while (*text++);
    return false;
}

static void print_match(const char *pattern, const char *line)
{
    if (matches(pattern, line))
        printf(1, "%s\n", line);
}

/* Prints the matches among the whole lines in buf; returns how many bytes they took. */
static int scan_lines(const char *pattern, char *buf)
{
    char *line = buf;
    char *end;

    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        print_match(pattern, line);
        line = end + 1;
    }
    return line - buf;
}

static void scan_file(const char *pattern, int fd, const char *name)
{
    static char buf[2 * BLOCK_SIZE];
    int used = 0;
    int bytes;

    while ((bytes = read(fd, buf + used, (int)sizeof(buf) - 1 - used)) > 0) {
        used += bytes;
        buf[used] = '\0';
        int done = scan_lines(pattern, buf);
        if (done == 0 && used == (int)sizeof(buf) - 1) {
            print_match(pattern, buf); /* a line longer than the buffer counts as two */
            done = used;
        }
        used -= done;
        memmove(buf, buf + done, (size_t)used);
    }
    if (bytes < 0)
        complain("grep", name, "cannot read");
    buf[used] = '\0';
    if (used > 0)
        print_match(pattern, buf);
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc < 2)
        usage(usage_text);
    if (argc == 2)
        scan_file(argv[1], 0, "standard input");
    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            complain("grep", argv[i], "cannot open");
            continue;
        }
        scan_file(argv[1], fd, argv[i]);
        close(fd);
    }
    exit();
}
