/*
 * What kmv-translate leaves in a translated ELF32 file.
 *
 * Section ".note.kmv" (SHT_NOTE, not loaded unless a PT_NOTE places it): one note, name "kmv\0",
 * type KMV_NOTE_TYPE, descriptor struct kmv_note_desc followed by nothing. It is found through the
 * PT_NOTE program header, so that loaders and kernels need no section headers.
 *
 * Sections that are not loaded (no SHF_ALLOC): ".kmv.addrmap", an array of struct kmv_addr_pair
 * sorted by old, one an instruction of the original text; ".kmv.windows", an array of struct
 * kmv_window sorted by start.
 *
 * Section ".kmv.map", loaded: the windows as a struct kmv_window_map (kmv/windows.h), at the first
 * multiple of 4 behind the code of the last text section.
 */
#ifndef KMV_NOTE_H
#define KMV_NOTE_H

#include <stdint.h>

#define KMV_NOTE_NAME    "kmv"
#define KMV_NOTE_TYPE    0x4b4d5631u /* "KMV1" */
#define KMV_NOTE_VERSION 2u

/*
 * A program that says in an object symbol of this name, a 32-bit word, how many bytes of the vector
 * registers it keeps across interrupts and other programs (64 with AVX-512, 32 with AVX, else
 * anything), has its large fills and copies done and mirrored with them. The word may change at run
 * time, to what the processor has and the system has enabled; all of a register must be kept.
 */
#define KMV_VECTOR_SYMBOL "kmv_vector_bytes"

struct kmv_note_desc {
    uint32_t version;    /* KMV_NOTE_VERSION */
    uint32_t offset;     /* OFFSET the program was translated for; 0: identity, nothing mirrored */
    uint32_t window_map; /* address of the struct kmv_window_map of kmv/windows.h, 0: none */
};

struct kmv_addr_pair {
    uint32_t old_addr; /* address of the instruction in the original program */
    uint32_t new_addr; /* address of its translation; branches to old_addr land here */
};

/* In [start, end) the native write of an instruction is done and its mirror write is not yet
 * complete: an instruction pointer p with start <= p < end is inside the window. */
struct kmv_window {
    uint32_t start;
    uint32_t end;
};

#endif
