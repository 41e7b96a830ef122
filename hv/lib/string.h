/* Memory and string functions of the C library that the hypervisor uses. In host tests libc's own
 * stand behind these names. Where memory turns out to be bad memcpy stops, and memcmp says that it
 * is equal; hv/cpu/extable.h tells. */
#ifndef HV_LIB_STRING_H
#define HV_LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

size_t strlen(const char *text);

#endif
