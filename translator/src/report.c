#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct totals {
    uint32_t instructions;
    uint32_t writers;
    uint32_t entries;
    uint64_t old_text;
    uint64_t new_text;
    uint32_t rows[32];
};

static struct totals count(const struct program *program)
{
    struct totals totals = {0};
    for (unsigned t = 0; t < program->text_count; t++) {
        totals.old_text += program->texts[t].section->header.sh_size;
        totals.new_text += program->texts[t].section->new_size;
    }
    for (uint32_t i = 0; i < program->item_count; i++) {
        const struct item *item = &program->items[i];
        totals.instructions += item->kind != ITEM_DATA;
        totals.entries += (item->flags & ITEM_ENTRY) != 0;
        if (item->row != WRITER_NONE) {
            totals.writers++;
            totals.rows[item->row]++;
        }
    }
    totals.rows[writer_class_find("trap")] = program->options.trap_count;
    return totals;
}

static void print_stats(FILE *file, const struct program *program, const struct totals *totals,
                        double seconds)
{
    fprintf(file, "{\n  \"offset\": \"0x%08" PRIx32 "\",\n", program->options.offset);
    fprintf(file,
            "  \"instructions\": %" PRIu32 ",\n  \"writers\": %" PRIu32 ",\n  \"entries\": %" PRIu32
            ",\n",
            totals->instructions, totals->writers, totals->entries);
    fprintf(file, "  \"text_bytes\": %" PRIu64 ",\n  \"translated_text_bytes\": %" PRIu64 ",\n",
            totals->old_text, totals->new_text);
    fprintf(file, "  \"text_growth\": %.4f,\n  \"seconds\": %.3f,\n  \"classes\": {",
            totals->old_text ? (double)totals->new_text / (double)totals->old_text - 1 : 0,
            seconds);
    for (unsigned row = 0; row < writer_class_count; row++)
        fprintf(file, "%s\n    \"%s\": %" PRIu32, row ? "," : "", writer_classes[row].name,
                totals->rows[row]);
    fputs("\n  }\n}\n", file);
}

bool program_write_stats(struct program *program, double seconds)
{
    struct totals totals = count(program);
    FILE *file = fopen(program->options.stats, "w");
    if (file == NULL)
        return diag_fail(&program->diag, "%s: %s", program->options.stats, strerror(errno));
    print_stats(file, program, &totals, seconds);
    if (fclose(file) != 0)
        return diag_fail(&program->diag, "%s: %s", program->options.stats, strerror(errno));
    return true;
}

static void list_item(const struct program *program, const struct text *text,
                      const struct item *item)
{
    const Elf32_Sym *symbol = image_symbol_at(&program->image, item->addr);
    const uint8_t *bytes = item_bytes(text, item);
    printf("%08" PRIx32 " %-15s ", item->addr, writer_classes[item->row].name);
    if (symbol != NULL)
        printf("%s+0x%" PRIx32, image_symbol_name(&program->image, symbol),
               item->addr - symbol->st_value);
    putchar(' ');
    for (unsigned i = 0; i < item->length; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

void program_list(const struct program *program)
{
    for (unsigned t = 0; t < program->text_count; t++)
        for (uint32_t i = program->texts[t].first; i < program->texts[t].end; i++)
            if (program->items[i].row != WRITER_NONE)
                list_item(program, &program->texts[t], &program->items[i]);
    for (unsigned i = 0; i < program->image.section_count; i++)
        if (program->image.sections[i].code16)
            printf("%08" PRIx32 " %-15s %s\n", program->image.sections[i].header.sh_addr,
                   "16-bit, kept", program->image.sections[i].name);
}
