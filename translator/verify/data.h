/* The checks of everything that is not an instruction. */
#ifndef KMV_VERIFY_DATA_H
#define KMV_VERIFY_DATA_H

#include "program.h"

/* Loaded sections but for instructions: present, same attributes, same bytes but for relocated
 * fields. */
void check_sections(struct program *program);

/* Every byte of original text is an instruction of the map, padding or known data. */
void check_coverage(struct program *program);

/* Entry point, program headers and symbols are where the map says. */
void check_headers(struct program *program);
void check_symbols(struct program *program);

#endif
