/* Forks until fork fails, then reaps: every child must be there, and no child more. */
#include "user.h"

#define FORKS_MAX 1000 /* more than the process table holds */

static void check(int good, const char *why)
{
    if (!good)
        fail("forktest", "FAILED", why);
}

int main(int argc, char **argv)
{
    int children = 0;
    int pid;

    help_option(argc, argv, "forktest    (forks until fork fails)");
    while (children < FORKS_MAX && (pid = fork()) >= 0) {
        if (pid == 0)
            exit();
        children++;
    }
    check(children < FORKS_MAX, "fork never failed");
    check(children > 0, "fork failed at once");
    for (int i = 0; i < children; i++)
        check(wait() > 0, "wait stopped early");
    check(wait() == -1, "wait found one child too many");
    printf(1, "forktest: OK, %d children\n", children);
    exit();
}
