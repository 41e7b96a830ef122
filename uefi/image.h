/*
 * The guest's kernel as a list of segments, read from a Multiboot 1 kernel's file: from its ELF32
 * program headers, or from the Multiboot header's address fields if those are valid. Builds for EFI
 * and on the host.
 */
#ifndef LOADER_IMAGE_H
#define LOADER_IMAGE_H

#include "bytes.h"
#include "error.h"
#include "ranges.h"

#include <kmv/note.h>

#define IMAGE_SEGMENTS_MAX 16

struct segment {
    uint64_t file_offset;
    uint32_t file_size;
    uint32_t address;     /* guest-physical */
    uint32_t memory_size; /* >= file_size; the rest is zero */
};

struct image {
    struct segment segments[IMAGE_SEGMENTS_MAX]; /* none empty, each ends at or below 4 GiB */
    unsigned segment_count;
    uint32_t entry; /* guest-physical, inside a segment */
    bool translated;
    struct kmv_note_desc note; /* with translated only */
};

/* Guest RAM, zeroed: guest-physical [0, size) at base. */
struct guest_ram {
    uint8_t *base;
    uint64_t size;
};

/* Adds a segment. Returns false if it is empty, too many, wraps, or has more file than memory or
 * than there is. */
bool image_add(struct image *image, struct bytes file, struct segment segment, struct error *error);

/* Reads and checks a kernel's file. Returns false with the reason on anything malformed. */
bool image_read(struct bytes file, struct image *image, struct error *error);

/* May the kernel run with a mirror at offset, or without one? Returns false with reason and remedy
 * if it isn't translated for it, or is translated where nothing answers at the mirror addresses. */
bool image_check_mirror(const struct image *image, bool mirror, uint32_t offset,
                        struct error *error);

/*
 * Copies the segments into ram and adds them to taken. Returns false if one lies beyond ram, in the
 * PC's hole below 1 MiB, or on another.
 */
bool image_load(const struct image *image, struct bytes file, struct guest_ram ram,
                struct ranges *taken, struct error *error);

#endif
