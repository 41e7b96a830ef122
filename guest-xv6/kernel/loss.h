/* Pages whose two copies are both bad: the hypervisor says so with an exception. */
#ifndef LOSS_H
#define LOSS_H

#include <stdbool.h>

struct trapframe;

/* Asks to be told. Once, at boot. */
void loss_init(void);

/* Answers the exception. The process whose memory it was is killed; a routine that can fail
 * (usercopy.h) does. Panics when the page was the kernel's own. false: no page was lost. */
bool loss_answer(const struct trapframe *tf);

#endif
