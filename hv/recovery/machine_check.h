/* What machine checks make of memory. */
#ifndef HV_RECOVERY_MACHINE_CHECK_H
#define HV_RECOVERY_MACHINE_CHECK_H

#include <hv/cpu/mce.h>
#include <hv/vm/vm.h>

/*
 * Answers the errors in `queue`: a page of the guest is recovered, a spare frame is never handed
 * out, other errors are logged. With `in_window` (the guest is between a native write and its
 * mirror's), those that can wait stay in the queue. False: the guest can't go on, since the error
 * is fatal, or it asks for action and no page of the guest is concerned.
 */
bool machine_check_answer(struct vm *vm, struct mce_queue *queue, bool in_window);

#endif
