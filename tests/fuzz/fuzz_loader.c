/* Any bytes as one of the loader's files: it takes them whole or refuses them with a reason, and
 * what it takes keeps the address contract. The first byte tells which file the rest is. */
#include <stdint.h>
#include <stdlib.h>

#include "config.h"
#include "elf64.h"
#include "guest.h"

#include <kmv/contract.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BYTES   (2u << 20)
#define IMAGE_BYTES (1u << 20) /* larger ones would only cost time */

static uint8_t *ram_memory;

static void check(bool right)
{
    if (!right)
        abort();
}

static void check_told(bool accepted, const struct error *error)
{
    check(accepted == (error->text[0] == '\0'));
}

static void try_config(struct bytes text)
{
    struct error error = {"fuzz", ""};
    struct config config;
    bool accepted = config_parse(text, &config, &error);

    check_told(accepted, &error);
    if (!accepted)
        return;
    check(KMV_OFFSET_IS_VALID(config.offset) && config.kernel[0] == '\\');
    check(config.memory_mib >= CONFIG_MEMORY_MIN);
    check(config.memory_mib <= config_memory_limit(config.offset));
    check(config.module_count <= CONFIG_MODULES_MAX);
}

static void try_kernel(struct bytes file)
{
    static const struct config config = {.kernel = "\\k", .cmdline = "a=b", .module_count = 1};
    struct guest_files files = {.kernel = file, .modules = {file}};
    struct guest_ram ram = {ram_memory, RAM_BYTES};
    struct error error = {"fuzz", ""};
    struct image image;
    uint32_t mbi = 0;
    bool accepted = image_read(file, &image, &error);

    check_told(accepted, &error);
    if (!accepted)
        return;
    image_check_mirror(&image, true, KMV_OFFSET_DEFAULT, &error);
    error.text[0] = '\0';
    accepted = guest_fill(ram, &config, &files, &image, &mbi, &error);
    check_told(accepted, &error);
    check(!accepted || (mbi != 0 && mbi < RAM_BYTES));
}

static void try_hypervisor(struct bytes file)
{
    struct error error = {"fuzz", ""};
    struct elf64_image image;
    bool accepted = elf64_read(file, &image, &error);
    uint8_t *out;

    check_told(accepted, &error);
    if (!accepted || image.size > IMAGE_BYTES)
        return;
    out = malloc(image.size);
    check(out != NULL);
    accepted = elf64_load(file, &image, out, 0x40000000, &error);
    check_told(accepted, &error);
    free(out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    ram_memory = malloc(RAM_BYTES);
    return ram_memory == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void (*const files[])(struct bytes) = {try_config, try_kernel, try_hypervisor};

    if (size > 0)
        files[data[0] % 3]((struct bytes){data + 1, size - 1});
    return 0;
}
