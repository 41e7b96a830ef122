/* The first process: gives the console its device node, keeps a shell running, reaps orphans. */
#include "user.h"

static char *shell_argv[] = {"sh", NULL};

static void open_console(void)
{
    if (open("console", O_RDWR) < 0) {
        mknod("console", CONSOLE_MAJOR, 1);
        open("console", O_RDWR);
    }
    dup(0);
    dup(0);
}

static int start_shell(void)
{
    printf(1, "init: starting sh\n");
    int pid = fork();
    if (pid < 0)
        fail("init", "fork", "no process or memory left");
    if (pid == 0) {
        exec("sh", shell_argv);
        fail("init", "sh", "cannot run: is it on the disk?");
    }
    return pid;
}

int main(void)
{
    open_console();
    for (;;) {
        int shell = start_shell();
        int ended;
        do {
            ended = wait();
        } while (ended >= 0 && ended != shell);
    }
}
