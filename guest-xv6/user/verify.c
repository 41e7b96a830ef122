#include "user.h"

int main(int argc, char **argv)
{
    unsigned result[2];

    help_option(argc, argv, "verify    (compares all pages of memory with their mirror)");
    if (argc > 1)
        usage("verify");
    if (verify(result) < 0)
        fail("verify", "refused", "needs the hypervisor with the mirror on");
    printf(1, "verify: pages=%u differing=%u\n", result[0], result[1]);
    if (result[1] > 0)
        complain("verify", "memory and mirror differ", "see the hypervisor's log");
    exit();
}
