/* The first process: gives the console its device node, runs the disk's script if it has one, keeps
 * a shell running, reaps orphans. */
#include "user.h"

#define SCRIPT "/autorun"

static char *shell_argv[] = {"sh", NULL};
static char *script_argv[] = {"sh", SCRIPT, NULL};

static void open_console(void)
{
    if (open("console", O_RDWR) < 0) {
        mknod("console", CONSOLE_MAJOR, 1);
        open("console", O_RDWR);
    }
    dup(0);
    dup(0);
}

static int start_shell(char **argv)
{
    int pid = fork();
    if (pid < 0)
        fail("init", "fork", "no process or memory left");
    if (pid == 0) {
        exec("sh", argv);
        fail("init", "sh", "cannot run: is it on the disk?");
    }
    return pid;
}

static void wait_for(int shell)
{
    int ended;

    do {
        ended = wait();
    } while (ended >= 0 && ended != shell);
}

int main(void)
{
    struct stat st;

    open_console();
    if (stat(SCRIPT, &st) == 0)
        wait_for(start_shell(script_argv));
    for (;;) {
        printf(1, "init: starting sh\n");
        wait_for(start_shell(shell_argv));
    }
}
