/* The shell. Lists run in the shell itself, every command in a process of its own; cd changes the
 * shell's directory. */
#include "parse.h"
#include "user.h"

static const char usage_text[] =
    "sh [SCRIPT]    (commands come from standard input, or without prompts from SCRIPT)";

static void run_list(struct sh_pipeline *list);

static int fork_or_complain(void)
{
    int pid = fork();

    if (pid < 0)
        complain("sh", "fork", "no process or memory left");
    return pid;
}

/* Background jobs that end meanwhile are reaped on the way. */
static void wait_for(int pid)
{
    int ended;

    do {
        ended = wait();
    } while (ended >= 0 && ended != pid);
}

static void move_fd(int from, int to)
{
    if (from == to)
        return;
    close(to);
    dup(from); /* takes the lowest free number, the one just closed */
    close(from);
}

/* No call moves a descriptor's position, so appending reads up to the end of the file first. */
static int open_append(const char *path)
{
    static char buf[BLOCK_SIZE]; /* the stack is a single page */
    struct stat st;
    int fd = open(path, O_RDWR | O_CREATE);

    if (fd >= 0 && fstat(fd, &st) == 0 && st.type == T_FILE) {
        while (read(fd, buf, sizeof(buf)) > 0)
            continue;
    }
    return fd;
}

static int open_redirect(const struct sh_redirect *redirect)
{
    switch (redirect->kind) {
    case SH_INPUT:
        return open(redirect->path, O_RDONLY);
    case SH_OUTPUT:
        return open(redirect->path, O_WRONLY | O_CREATE | O_TRUNC);
    default:
        return open_append(redirect->path);
    }
}

static void apply_redirects(const struct sh_redirect *redirect)
{
    for (; redirect; redirect = redirect->next) {
        int fd = open_redirect(redirect);
        if (fd < 0)
            fail("sh", redirect->path, "cannot open");
        move_fd(fd, redirect->kind == SH_INPUT ? 0 : 1);
    }
}

/* Programs live in the root directory: after a cd, a bare name is looked up there too. */
static void exec_from_root(char **argv)
{
    char path[1 + NAME_LEN + 1] = "/";

    if (strchr(argv[0], '/') || strlen(argv[0]) > NAME_LEN)
        return;
    strcpy(path + 1, argv[0]);
    exec(path, argv);
}

/* Runs in the process of the stage; never returns. */
static void run_stage(struct sh_stage *stage)
{
    apply_redirects(stage->redirects);
    if (stage->group) {
        run_list(stage->group);
        exit();
    }
    exec(stage->argv[0], stage->argv);
    exec_from_root(stage->argv);
    fail("sh", stage->argv[0], "cannot run: no such program, or not enough memory");
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* In a stage's process: input is the pipe from the stage before, output the pipe to the next; -1
 * for none. */
static void connect(int input, const int output[2])
{
    if (input >= 0)
        move_fd(input, 0);
    if (output[1] >= 0) {
        close(output[0]);
        move_fd(output[1], 1);
    }
}

/* Starts all stages, each reading from the one before; returns how many were started. */
static int start_stages(struct sh_stage *stage)
{
    int input = -1;
    int started = 0;

    for (; stage; stage = stage->next) {
        int fds[2] = {-1, -1};
        if (stage->next && pipe(fds) < 0) {
            complain("sh", "pipe", "no file or memory left");
            break;
        }
        int pid = fork_or_complain();
        if (pid == 0) {
            connect(input, fds);
            run_stage(stage);
        }
        close_if_open(input);
        close_if_open(fds[1]);
        input = fds[0];
        if (pid < 0)
            break;
        started++;
    }
    close_if_open(input);
    return started;
}

static bool is_cd(const struct sh_stage *stage)
{
    return !stage->next && !stage->group && strcmp(stage->argv[0], "cd") == 0;
}

static void change_directory(const struct sh_stage *stage)
{
    const char *path = stage->argc > 1 ? stage->argv[1] : "/";

    if (chdir(path) < 0)
        complain("cd", path, "cannot enter this directory");
}

/* A pipeline of several stages gets a process that waits for all of them and for nothing else. */
static int start_pipeline(struct sh_stage *stages)
{
    int pid = fork_or_complain();

    if (pid != 0)
        return pid;
    if (!stages->next)
        run_stage(stages);
    for (int started = start_stages(stages); started > 0; started--)
        wait();
    exit();
}

static void run_list(struct sh_pipeline *list)
{
    for (; list; list = list->next) {
        if (is_cd(list->stages)) {
            change_directory(list->stages);
            continue;
        }
        int pid = start_pipeline(list->stages);
        if (pid > 0 && !list->background)
            wait_for(pid);
    }
}

static void run_line(char *line)
{
    size_t bytes = sh_arena_bytes(strlen(line));
    void *arena = malloc(bytes);
    const char *error;

    if (!arena) {
        complain("sh", "command", "not enough memory");
        return;
    }
    struct sh_pipeline *list = sh_parse(line, arena, bytes, &error);
    if (error)
        complain("sh", "syntax", error);
    else
        run_list(list);
    free(arena);
}

static bool ends_line(const char *line)
{
    size_t length = strlen(line);

    return length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r');
}

/* A line that fills the buffer is dropped as a whole, so that its tail is not run as a command. */
static void drop_rest_of_line(char *line)
{
    while (strlen(line) == SH_LINE_MAX - 1 && !ends_line(line))
        gets(line, SH_LINE_MAX);
    complain("sh", "command", "line too long");
}

/* The console stands on descriptors 0 to 2, also when whoever started the shell opened less. */
static void open_console(void)
{
    int fd;

    while ((fd = open("console", O_RDWR)) >= 0) {
        if (fd >= 3) {
            close(fd);
            return;
        }
    }
}

/* Commands read the script's rest, as they would read what is typed. */
static void open_script(const char *path)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        fail("sh", path, "cannot open");
    move_fd(fd, 0);
}

int main(int argc, char **argv)
{
    static char line[SH_LINE_MAX];
    bool prompts = argc == 1;

    help_option(argc, argv, usage_text);
    if (argc > 2)
        usage(usage_text);
    open_console();
    if (argc == 2)
        open_script(argv[1]);
    for (;;) {
        if (prompts)
            printf(2, "$ ");
        if (*gets(line, SH_LINE_MAX) == '\0')
            exit();
        if (strlen(line) == SH_LINE_MAX - 1 && !ends_line(line))
            drop_rest_of_line(line);
        else
            run_line(line);
    }
}
