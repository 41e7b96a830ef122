/*
 * What a hostile kernel tries (attack_*.c). Prints one line a row and powers off with the number of
 * wrong answers. An attempt that ends the guest has a program of its own (stops.c).
 */
#include "attack.h"

/* In this order: some find what those before them left. */
static const struct attempts *const kinds[] = {
    &attempts_instructions, &attempts_calls,  &attempts_registers, &attempts_ports,
    &attempts_memory,       &attempts_events, &attempts_x2apic,
};

u32 guest_main(const char *command_line)
{
    u32 wrong = 0;

    (void)command_line;
    paging_start();
    for (u32 i = 0; i < COUNT(kinds); i++)
        wrong += rows_failed(kinds[i]->rows, kinds[i]->count);
    return wrong < 250 ? wrong : 250;
}
