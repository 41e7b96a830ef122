/* Memory of programs that are not translated: nobody mirrors their writes, so the hypervisor must
 * not take their pages' mirrors for copies. */
#ifndef PROTECT_H
#define PROTECT_H

#include <stdbool.h>
#include <stdint.h>

/* Tells the hypervisor of the writable user pages in [from, to). With `on` their mirrors become
 * copies, before anybody else gets the pages. false: it has no memory to remember it. */
bool protect_set(uint32_t *pgdir, uint32_t from, uint32_t to, bool on);

#endif
