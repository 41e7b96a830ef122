#include "user.h"

int main(int argc, char **argv)
{
    help_option(argc, argv, "zombie    (leaves an ended child behind, for init to reap)");
    if (fork() > 0)
        sleep(5); /* lets the child end before its parent */
    exit();
}
