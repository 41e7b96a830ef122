/* What every test of the loader includes first. */
#ifndef TEST_LOADER_H
#define TEST_LOADER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

#define MIB 0x100000u

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The error text has to contain what; prints both if it doesn't. */
static inline void assert_error_has(const struct error *error, const char *what)
{
    if (strstr(error->text, what) == NULL)
        fail_msg("error '%s' does not contain '%s'", error->text, what);
}

#endif
