#include "kmv/hypercall.h"
#include "user.h"

#define COUNTER_NAME(name) #name,
static const char *const names[] = {KMV_COUNTERS(COUNTER_NAME)};

int main(int argc, char **argv)
{
    static unsigned long long values[KMV_COUNTER_COUNT];

    help_option(argc, argv, "mirrorstat    (the hypervisor's counters)");
    if (argc > 1)
        usage("mirrorstat");
    int count = counters(values, KMV_COUNTER_COUNT);
    if (count < 0)
        fail("mirrorstat", "refused", "needs the hypervisor");
    for (int i = 0; i < count && i < KMV_COUNTER_COUNT; i++)
        printf(1, "%s=%llu\n", names[i], values[i]);
    exit();
}
