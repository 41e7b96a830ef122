/* What the model can do: one handler a kind of instruction. */
#ifndef KMV_VERIFY_EXEC_RULES_H
#define KMV_VERIFY_EXEC_RULES_H

#include "exec.h"

/*
 * Does the instruction; eip is behind it already. `argument` is what the table says for the
 * mnemonic. False: a form that is not modelled.
 */
typedef bool exec_handler(struct machine *machine, const struct insn *insn, unsigned int argument);

exec_handler exec_nothing;
exec_handler exec_mov;
exec_handler exec_movsx;
exec_handler exec_lea;
exec_handler exec_xchg;
exec_handler exec_lahf;
exec_handler exec_sahf;
exec_handler exec_direction;
exec_handler exec_setcc;
exec_handler exec_bswap;
exec_handler exec_push;
exec_handler exec_pop;
exec_handler exec_pusha;
exec_handler exec_pushf;
exec_handler exec_popf;
exec_handler exec_enter;
exec_handler exec_call;
exec_handler exec_jmp;
exec_handler exec_jcc;
exec_handler exec_counted;
exec_handler exec_alu;
exec_handler exec_compare;
exec_handler exec_step;
exec_handler exec_neg;
exec_handler exec_not;
exec_handler exec_xadd;
exec_handler exec_cmpxchg;
exec_handler exec_cmpxchg8b;
exec_handler exec_string;
exec_handler exec_sgdt;
exec_handler exec_str;
exec_handler exec_ltr;
exec_handler exec_vector_move;
exec_handler exec_vector_broadcast;
exec_handler exec_masked;
exec_handler exec_xsave;

/* Explicit writers without a handler: stores an unknown value, a function of the inputs. */
bool exec_unknown_store(struct machine *machine, const struct insn *insn);

#endif
