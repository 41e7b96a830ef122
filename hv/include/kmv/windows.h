/*
 * Where the code of a kernel or of a program has windows: between the native write of an
 * instruction and its mirror write.
 */
#ifndef KMV_WINDOWS_H
#define KMV_WINDOWS_H

#include <stdint.h>

#define KMV_WINDOW_MAP_MAGIC 0x574d564bu /* "KVMW" */

/* A bit for each byte of code from `base` on, the lowest bit of a word first: 1 in windows. */
struct kmv_window_map {
    uint32_t magic;
    uint32_t base;
    uint32_t count; /* of bits; whole words follow */
    uint32_t bits[];
};

/* What KMV_HC_WINDOWS names: guest-virtual addresses of the maps of the kernel and of the program
 * that runs on this processor; 0: none. */
struct kmv_window_maps {
    uint32_t kernel;
    uint32_t user;
};

#endif
