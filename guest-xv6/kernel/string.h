/* Memory and strings. Those that gcc may call itself keep their standard names and meaning. */
#ifndef STRING_H
#define STRING_H

#include <stdbool.h>
#include <stddef.h>

void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes); /* the blocks may overlap */
int memcmp(const void *left, const void *right, size_t bytes);
size_t strlen(const char *text);
int strncmp(const char *left, const char *right, size_t bytes);

/* Copies `from` into `size` bytes, cut off where it doesn't fit; always ends it. */
void copy_string(char *to, const char *from, size_t size);

#endif
