/* Processors that store to the same memory at once: what is left of it in both copies. */
#include "user.h"

static const char usage_text[] = "race RACERS SWEEPS    (2 to 8 processes that store to the same "
                                 "memory; a sweep is about 4,000 stores)";

/* As many processes as racers, this one among them. */
static void run(int what, int racers, int sweeps)
{
    int who = 0;

    for (int i = 1; i < racers && who == 0; i++) {
        int pid = fork();
        if (pid < 0)
            fail("race", "fork", "no memory, or too many processes");
        if (pid == 0)
            who = i;
    }
    int result = race(what, who, racers, sweeps);
    if (who != 0)
        exit();
    for (int i = 1; i < racers; i++)
        wait();
    if (result < 0)
        fail("race", "refused", "2 to 8 racers");
}

static unsigned differing(void)
{
    unsigned result[2];

    if (verify(result) < 0)
        fail("race", "verify", "needs the hypervisor with the mirror on");
    return result[1];
}

int main(int argc, char **argv)
{
    unsigned racers, sweeps;

    help_option(argc, argv, usage_text);
    if (argc != 3 || parse_unsigned(argv[1], &racers) < 0 || parse_unsigned(argv[2], &sweeps) < 0 ||
        racers < 2)
        usage(usage_text);

    run(RACE_STORE, (int)racers, (int)sweeps);
    unsigned pages = differing();
    int bytes = race(RACE_SETTLE, 0, (int)racers, 0);
    printf(1, "race: differing=%u raced=%d left=%u\n", pages, bytes, differing());

    run(RACE_STORE, (int)racers, (int)sweeps);
    pages = differing();
    int changed = race(RACE_LOSE, 0, (int)racers, 0);
    printf(1, "race: differing=%u changed=%d left=%u\n", pages, changed, differing());

    run(RACE_MOVE, (int)racers, (int)sweeps);
    printf(1, "race: moved left=%u\n", differing());
    exit();
}
