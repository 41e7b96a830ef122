#include "alu.h"

#include "machine.h"

uint32_t alu_mask(unsigned int size)
{
    return size >= 4 ? 0xffffffffu : (1u << (8 * size)) - 1;
}

static bool sign(uint32_t value, unsigned int size)
{
    return (value >> (8 * size - 1)) & 1;
}

static uint32_t result_flags(uint32_t result, unsigned int size)
{
    uint32_t flags = 0;

    if ((__builtin_popcount(result & 0xff) & 1) == 0) {
        flags |= FLAG_PF;
    }
    if (result == 0) {
        flags |= FLAG_ZF;
    }
    if (sign(result, size)) {
        flags |= FLAG_SF;
    }
    return flags;
}

static void set_status(uint32_t *eflags, uint32_t status)
{
    *eflags = (*eflags & ~FLAGS_STATUS) | status;
}

static uint32_t add(uint32_t left, uint32_t right, bool carry, unsigned int size, uint32_t *eflags)
{
    uint64_t wide = (uint64_t)left + right + carry;
    uint32_t result = (uint32_t)wide & alu_mask(size);
    uint32_t status = result_flags(result, size);

    status |= (wide >> (8 * size)) & 1 ? FLAG_CF : 0;
    status |= sign((left ^ result) & (right ^ result), size) ? FLAG_OF : 0;
    status |= (left ^ right ^ result) & FLAG_AF;
    set_status(eflags, status);
    return result;
}

static uint32_t subtract(uint32_t left, uint32_t right, bool borrow, unsigned int size,
                         uint32_t *eflags)
{
    uint32_t result = (left - right - borrow) & alu_mask(size);
    uint32_t status = result_flags(result, size);

    status |= (uint64_t)right + borrow > left ? FLAG_CF : 0;
    status |= sign((left ^ right) & (left ^ result), size) ? FLAG_OF : 0;
    status |= (left ^ right ^ result) & FLAG_AF;
    set_status(eflags, status);
    return result;
}

static uint32_t logic(enum alu_operation operation, uint32_t left, uint32_t right,
                      unsigned int size, uint32_t *eflags)
{
    uint32_t result = operation == ALU_AND  ? left & right
                      : operation == ALU_OR ? left | right
                                            : left ^ right;

    set_status(eflags, result_flags(result, size));
    return result;
}

static uint32_t shift_value(enum alu_operation operation, uint32_t left, unsigned int count,
                            unsigned int size)
{
    int64_t wide = sign(left, size) ? (int64_t)left - ((int64_t)1 << (8 * size)) : (int64_t)left;

    switch (operation) {
    case ALU_SHL:
        return (uint32_t)((uint64_t)left << count) & alu_mask(size);
    case ALU_SHR:
        return (uint32_t)((uint64_t)left >> count);
    default:
        return (uint32_t)(wide >> count) & alu_mask(size);
    }
}

/* A count of zero leaves the flags alone; where the SDM leaves OF or AF undefined, it is cleared
 * here. */
static uint32_t shift(enum alu_operation operation, uint32_t left, uint32_t right,
                      unsigned int size, uint32_t *eflags)
{
    unsigned int count = right & 31;
    uint32_t result;
    uint32_t last;
    uint32_t status;

    if (count == 0) {
        return left;
    }
    result = shift_value(operation, left, count, size);
    last = shift_value(operation, left, count - 1, size);
    status = result_flags(result, size);
    if (operation == ALU_SHL ? sign(last, size) : last & 1) {
        status |= FLAG_CF;
    }
    if (count == 1 && operation != ALU_SAR &&
        sign(left ^ (operation == ALU_SHL ? result : 0), size)) {
        status |= FLAG_OF;
    }
    set_status(eflags, status);
    return result;
}

uint32_t alu_compute(enum alu_operation operation, uint32_t left, uint32_t right, unsigned int size,
                     uint32_t *eflags)
{
    bool carry = *eflags & FLAG_CF;

    switch (operation) {
    case ALU_ADD:
    case ALU_ADC:
        return add(left, right, operation == ALU_ADC && carry, size, eflags);
    case ALU_SUB:
    case ALU_SBB:
        return subtract(left, right, operation == ALU_SBB && carry, size, eflags);
    case ALU_AND:
    case ALU_OR:
    case ALU_XOR:
        return logic(operation, left, right, size, eflags);
    default:
        return shift(operation, left, right, size, eflags);
    }
}

bool alu_condition(unsigned int code, uint32_t eflags)
{
    bool sign_differs = !(eflags & FLAG_SF) != !(eflags & FLAG_OF);
    const bool tests[8] = {
        eflags & FLAG_OF, eflags & FLAG_CF, eflags & FLAG_ZF, eflags & (FLAG_CF | FLAG_ZF),
        eflags & FLAG_SF, eflags & FLAG_PF, sign_differs,     sign_differs || (eflags & FLAG_ZF),
    };

    return tests[(code >> 1) & 7] != (code & 1);
}
