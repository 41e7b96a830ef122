#include "image.h"

#include "elf32.h"
#include "multiboot.h"

bool image_add(struct image *image, struct bytes file, struct segment segment, struct error *error)
{
    if (!bytes_contain(file, segment.file_offset, segment.file_size))
        return refuse(error, "the segment at 0x%x reaches past the end of the file: truncated?",
                      segment.address);
    if (segment.file_size > segment.memory_size)
        return refuse(error, "the segment at 0x%x has more bytes in the file than in memory",
                      segment.address);
    if ((uint64_t)segment.address + segment.memory_size > 1ull << 32)
        return refuse(error, "the segment at 0x%x wraps around 4 GiB", segment.address);
    if (image->segment_count == IMAGE_SEGMENTS_MAX)
        return refuse(error, "more than %u segments to load", IMAGE_SEGMENTS_MAX);
    image->segments[image->segment_count++] = segment;
    return true;
}

/* Multiboot 3.1.3: the text starts in the file as far before the header as in memory. */
static bool read_addresses(struct bytes file, const struct multiboot_header *header,
                           uint32_t header_offset, struct image *image, struct error *error)
{
    uint32_t before = header->header_address - header->load_address;
    uint32_t end = header->load_end_address;

    if (header->header_address < header->load_address || before > header_offset)
        return refuse(
            error, "the Multiboot header's load address lies before the file or after the header");
    uint64_t start = header_offset - before;
    uint64_t size = end != 0 ? (uint64_t)end - header->load_address : file.size - start;
    uint64_t memory = size;
    if (header->bss_end_address != 0)
        memory = (uint64_t)header->bss_end_address - header->load_address;
    if (size > UINT32_MAX || memory > UINT32_MAX || memory < size || memory == 0)
        return refuse(error, "the Multiboot header's end addresses are out of order");
    image->entry = header->entry_address;
    struct segment segment = {start, (uint32_t)size, header->load_address, (uint32_t)memory};
    return image_add(image, file, segment, error);
}

static bool check_entry(const struct image *image, struct error *error)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];
        if (image->entry >= segment->address &&
            image->entry - segment->address < segment->memory_size)
            return true;
    }
    return refuse(error, "the entry point 0x%x lies in no loaded segment: it has to be physical",
                  image->entry);
}

bool image_read(struct bytes file, struct image *image, struct error *error)
{
    struct multiboot_header header;
    uint32_t header_offset;
    bool is_elf = elf32_has_magic(file);

    memset(image, 0, sizeof(*image));
    if (is_elf && !elf32_check(file, error))
        return false;
    if (!multiboot_find_header(file, &header, &header_offset, error))
        return false;
    if (header.flags & MULTIBOOT_HEADER_ADDRESSES) {
        if (!read_addresses(file, &header, header_offset, image, error))
            return false;
    } else if (!is_elf) {
        return refuse(error, "not an ELF file, and its Multiboot header has no addresses");
    } else if (!elf32_read_segments(file, image, error)) {
        return false;
    }
    if (is_elf && !elf32_read_note(file, image, error))
        return false;
    return check_entry(image, error);
}

static bool check_unmirrored(const struct image *image, struct error *error)
{
    if (image->translated && image->note.offset != 0)
        return refuse(error,
                      "translated, so it writes to a mirror, but mirror is off: set mirror = on "
                      "or use the kernel that it was translated from");
    return true;
}

bool image_check_mirror(const struct image *image, bool mirror, uint32_t offset,
                        struct error *error)
{
    if (!mirror)
        return check_unmirrored(image, error);
    if (!image->translated)
        return refuse(error,
                      "not translated (no .note.kmv), but mirror is on: run kmv-translate on it "
                      "or set mirror = off");
    if (image->note.offset != offset)
        return refuse(error,
                      "translated for offset 0x%x, but 0x%x is configured: set offset = %x or "
                      "translate it again",
                      image->note.offset, offset, image->note.offset);
    return true;
}

static bool load_segment(const struct segment *segment, struct bytes file, struct guest_ram ram,
                         struct ranges *taken, struct error *error)
{
    uint64_t start = segment->address;
    uint64_t end = start + segment->memory_size;

    if (end > ram.size)
        return refuse(error,
                      "the segment 0x%llx..0x%llx lies beyond guest RAM: memory has to be %llu",
                      (unsigned long long)start, (unsigned long long)end,
                      (unsigned long long)((end + 0xFFFFF) >> 20));
    if (start < GUEST_HIGH && end > GUEST_LOW_END)
        return refuse(error, "the segment 0x%llx..0x%llx overlaps 0x%x..0x%x, which is no RAM",
                      (unsigned long long)start, (unsigned long long)end, GUEST_LOW_END,
                      GUEST_HIGH);
    if (!ranges_add(taken, start, end))
        return refuse(error, "the segment 0x%llx..0x%llx overlaps another",
                      (unsigned long long)start, (unsigned long long)end);
    memcpy(ram.base + start, file.data + segment->file_offset, segment->file_size);
    return true;
}

bool image_load(const struct image *image, struct bytes file, struct guest_ram ram,
                struct ranges *taken, struct error *error)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        if (!load_segment(&image->segments[i], file, ram, taken, error))
            return false;
    }
    return true;
}
