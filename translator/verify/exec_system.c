/* System tables: where the GDT is, and the task register. */
#include "exec_rules.h"

#include "operand.h"

static uint32_t gdt_base(const struct machine *machine)
{
    return (uint32_t)machine_mix(machine->seed, 0x676474);
}

bool exec_sgdt(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t address = operand_address(machine, insn, 0);

    (void)argument;
    machine_write(machine, address, 2, (uint32_t)machine_mix(machine->seed, 0x6c696d));
    machine_write(machine, address + 2, 4, gdt_base(machine));
    return true;
}

bool exec_str(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0, machine->task_register);
}

/* Sets the busy bit of the descriptor; a mirror may copy all of its eight bytes (SDM vol.
 * 3, 8.2.2). */
bool exec_ltr(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t selector = operand_read(machine, insn, 0) & 0xffff;

    (void)argument;
    machine->task_register = (uint16_t)selector;
    machine->optional_base = gdt_base(machine) + (selector & ~7u);
    machine->optional_size = 8;
    machine_write_byte(machine, machine->optional_base + 5,
                       machine_read_byte(machine, machine->optional_base + 5) | 2);
    return true;
}
