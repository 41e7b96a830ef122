/*
 * The per-form oracle: each form of each writer class runs in an emulator, original and translated,
 * from one random state. Registers, flags, FPU and native memory must end equal, and the mirror
 * must equal native, also below esp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "host.h"
#include "snippet.h"
#include "writers.h"

enum { CASES_PER_FORM = 80, BOUNDARY_CASES_PER_FORM = 3, SCRATCH_BYTES = 64, FRAME_BYTES = 24 };

static struct machine machine;
static struct machine_state *start, *native, *translated;
static unsigned tried, failed, refused, on_host, skipped;
static bool host_maps;

static void print_case(const struct form *form, const struct form_case *made,
                       const struct snippet *snippet, const char *what)
{
    printf("%s (%s):", form->name, form->row);
    for (unsigned i = 0; i < made->size; i++)
        printf(" %02x", made->bytes[i]);
    printf(" ->");
    for (size_t i = 0; i < snippet->emitter.code.count; i++)
        printf(" %02x", snippet->emitter.code.at[i]);
    printf(": %s\n", what);
}

/* CF, PF, AF, ZF, SF, OF */
#define STATUS_MASK 0x8d5u

/* Native bytes may differ only where scratch registers were saved: just below esp. */
static const char *compare_memory(void)
{
    uint32_t low = native->gpr[ESP];
    uint32_t zone = low - SCRATCH_BYTES;
    if (memcmp(native->memory, translated->memory, zone) != 0)
        return "native bytes differ";
    if (memcmp(native->memory + low, translated->memory + low, MEMORY_SIZE - low) != 0)
        return "native bytes differ";
    if (memcmp(translated->memory, translated->mirror, MEMORY_SIZE) != 0)
        return "mirror differs from native";
    if (memcmp(native->mirror, start->memory, MEMORY_SIZE) != 0)
        return "the original wrote to the mirror";
    return NULL;
}

static const char *compare_states(uint8_t dead)
{
    for (unsigned i = 0; i < GPR_COUNT; i++)
        if ((i == ESP || !(dead & GPR_BIT(i))) && native->gpr[i] != translated->gpr[i])
            return "registers differ";
    uint32_t flags = native->eflags ^ translated->eflags;
    if ((flags & ~STATUS_MASK) != 0 || (!(dead & STATUS_FLAGS) && flags != 0))
        return "flags differ";
    if (memcmp(native->xmm, translated->xmm, sizeof(native->xmm)) != 0)
        return "SSE registers differ";
    if (memcmp(native->st, translated->st, sizeof(native->st)) != 0 ||
        native->fpu_status != translated->fpu_status ||
        native->fpu_control != translated->fpu_control)
        return "FPU state differs";
    if (memcmp(native->xsave, translated->xsave, XSAVE_SIZE) != 0)
        return "extended states differ";
    return compare_memory();
}

/* Forms that this processor lacks are named once, and not tried. */
static bool can_run(const struct form *form)
{
    if (!(form->flags & FORM_HOST))
        return true;
    bool runs = host_maps && host_has(form->row, form->name);
    if (!runs)
        printf("skipped: %s (%s): %s\n", form->name, form->row,
               host_maps ? "this processor has none" : "no memory at low addresses");
    return runs;
}

static const char *run_on_host(const struct form_case *made, const struct snippet *snippet,
                               uint8_t dead)
{
    host_run(start, true, made->bytes, made->size, native);
    host_run(start, true, snippet->emitter.code.at, snippet->emitter.code.count, translated);
    return compare_states(dead);
}

static const char *run_case(const struct form_case *made, struct snippet *snippet, uint8_t dead)
{
    machine_load(&machine, start);
    uc_err error = machine_run(&machine, made->bytes, made->size);
    if (error != UC_ERR_OK)
        return "the original does not run";
    machine_save(&machine, native);
    machine_load(&machine, start);
    error = machine_run(&machine, snippet->emitter.code.at, snippet->emitter.code.count);
    if (error != UC_ERR_OK)
        return uc_strerror(error);
    machine_save(&machine, translated);
    return compare_states(dead);
}

/* Registers that the instruction writes may count as dead after it as well; that is harder for
 * scratch registers. */
static uint8_t random_dead(void)
{
    return random_below(3) == 0 ? 0 : (uint8_t)random_next();
}

static bool make_snippet(const struct form *form, struct form_case *made, struct snippet *snippet,
                         uint8_t dead)
{
    static unsigned snippets;
    form_make(form, made);
    if (!snippet_decode(snippet, made->bytes, made->size)) {
        refused++;
        return false;
    }
    assert_int_equal(snippet->insn.length, made->size);
    assert_string_equal(writer_classes[snippet->row].name, form->row);
    snippet->prefetch = snippet->insn.has_mem && !snippet->insn.addr16 && snippets++ % 2;
    snippet_translate(snippet, MIRROR_OFFSET, dead);
    assert_true(emit_check(&snippet->emitter, snippet_decoder(), 0));
    return true;
}

static void try_form(const struct form *form)
{
    struct form_case made = {.state = start};
    struct snippet snippet;
    uint8_t dead = random_dead();
    if (!make_snippet(form, &made, &snippet, dead))
        return;
    bool host = form->flags & FORM_HOST;
    const char *verdict =
        host ? run_on_host(&made, &snippet, dead) : run_case(&made, &snippet, dead);
    tried++;
    on_host += host;
    if (verdict != NULL) {
        failed++;
        print_case(form, &made, &snippet, verdict);
    }
    snippet_free(&snippet);
}

static void test_every_form(void **state)
{
    (void)state;
    random_seed(1);
    for (unsigned i = 0; i < form_count; i++) {
        bool runs = can_run(&forms[i]);
        skipped += !runs;
        for (unsigned n = 0; runs && n < CASES_PER_FORM; n++)
            try_form(&forms[i]);
    }
    printf("forms: %u, skipped: %u, cases tried: %u (on this processor: %u), failed: %u, refused: "
           "%u\n",
           form_count, skipped, tried, on_host, failed, refused);
    assert_int_equal(failed, 0);
    assert_true(tried >= 20000);
    assert_true(refused < tried / 50);
}

/* An interrupt writes its frame and more below esp, in both copies, and returns. */
static void interrupt(struct machine *interrupted)
{
    uint32_t esp = machine_gpr(interrupted, ESP);
    uint8_t frame[FRAME_BYTES];
    for (unsigned i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)random_next();
    assert_int_equal(uc_mem_write(interrupted->uc, esp - sizeof(frame), frame, sizeof(frame)),
                     UC_ERR_OK);
    assert_int_equal(
        uc_mem_write(interrupted->uc, esp - sizeof(frame) + MIRROR_OFFSET, frame, sizeof(frame)),
        UC_ERR_OK);
}

static size_t instruction_length(const uint8_t *bytes, size_t size)
{
    struct insn insn;
    assert_true(insn_decode(snippet_decoder(), bytes, size, CODE_BASE, &insn));
    return insn.length;
}

/* The same on this processor: each instruction for itself, from the state that the one before it
 * left. */
static const char *run_host_interrupted(const struct form_case *made, const struct snippet *snippet,
                                        uint8_t dead)
{
    const struct bytes *code = &snippet->emitter.code;
    host_run(start, true, made->bytes, made->size, native);
    for (size_t at = 0, length; at < code->count; at += length) {
        length = instruction_length(code->at + at, code->count - at);
        if (at > 0) {
            uint32_t frame = translated->gpr[ESP] - FRAME_BYTES;
            for (unsigned i = 0; i < FRAME_BYTES; i++)
                translated->memory[frame + i] = translated->mirror[frame + i] =
                    (uint8_t)random_next();
        }
        host_run(at > 0 ? translated : start, at == 0, code->at + at, length, translated);
    }
    return compare_states(dead);
}

static const char *run_interrupted(const struct form_case *made, struct snippet *snippet,
                                   uint8_t dead)
{
    machine_load(&machine, start);
    uc_err error = machine_run(&machine, made->bytes, made->size);
    if (error != UC_ERR_OK)
        return "the original does not run";
    machine_save(&machine, native);
    machine_load(&machine, start);
    error = machine_step(&machine, snippet->emitter.code.at, snippet->emitter.code.count,
                         instruction_length, interrupt);
    if (error != UC_ERR_OK)
        return uc_strerror(error);
    machine_save(&machine, translated);
    return compare_states(dead);
}

static void test_interrupt_at_every_boundary(void **state)
{
    (void)state;
    unsigned bad = 0;
    random_seed(2);
    for (unsigned i = 0; i < form_count; i++) {
        bool host = forms[i].flags & FORM_HOST;
        if (host && !(host_maps && host_has(forms[i].row, forms[i].name)))
            continue;
        for (unsigned n = 0; n < BOUNDARY_CASES_PER_FORM; n++) {
            struct form_case made = {.state = start};
            struct snippet snippet;
            if (!make_snippet(&forms[i], &made, &snippet, 0))
                continue;
            const char *verdict = host ? run_host_interrupted(&made, &snippet, 0)
                                       : run_interrupted(&made, &snippet, 0);
            if (verdict != NULL) {
                bad++;
                print_case(&forms[i], &made, &snippet, verdict);
            }
            snippet_free(&snippet);
        }
    }
    assert_int_equal(bad, 0);
}

/* Frames as the processor pushes them (SDM volume 3, 6.12.1), some behind an error code or a vector
 * that a stub pushed; the first is a call's. */
static const struct trap_frame frames[] = {{0, 1}, {0, 3}, {0, 4}, {0, 5}, {0, 6},
                                           {4, 3}, {4, 5}, {8, 3}, {8, 5}};

static const char *run_entry(struct trap_frame frame, struct snippet *snippet, uint8_t dead,
                             bool interrupted)
{
    static const uint8_t nop = 0x90;
    const struct bytes *code = &snippet->emitter.code;
    uint32_t slot = start->gpr[ESP] + frame.skip + MIRROR_OFFSET;
    machine_load(&machine, start);
    assert_int_equal(machine_run(&machine, &nop, 1), UC_ERR_OK);
    machine_save(&machine, native);
    machine_load(&machine, start);
    for (uint32_t i = 0; i < frame.dwords; i++) {
        uint32_t stale = random_next();
        assert_int_equal(uc_mem_write(machine.uc, slot + 4 * i, &stale, 4), UC_ERR_OK);
    }
    uc_err error =
        interrupted ? machine_step(&machine, code->at, code->count, instruction_length, interrupt)
                    : machine_run(&machine, code->at, code->count);
    if (error != UC_ERR_OK)
        return uc_strerror(error);
    machine_save(&machine, translated);
    return compare_states(dead);
}

/* Rows call and trap: what the processor pushed is there in native only, and is copied. */
static void test_entries_copy_what_was_pushed(void **state)
{
    (void)state;
    unsigned cases = 0;
    random_seed(3);
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        for (unsigned n = 0; n < CASES_PER_FORM; n++) {
            struct form_case made = {.state = start};
            struct snippet snippet = {.emitter = {.offset = MIRROR_OFFSET}};
            uint8_t dead = random_dead();
            form_make(&forms[0], &made);
            emit_begin(&snippet.emitter, 0, NULL, dead);
            if (i == 0)
                write_entry_copy(&snippet.emitter);
            else
                write_trap_copy(&snippet.emitter, frames[i]);
            const char *verdict = run_entry(frames[i], &snippet, dead, n % 2);
            if (verdict != NULL)
                print_case(&forms[0], &made, &snippet, verdict);
            assert_null(verdict);
            cases++;
            snippet_free(&snippet);
        }
    printf("entries: %u cases\n", cases);
}

enum { GDT_AT = 0x4000, TSS_SELECTOR = 0x18, TSS_AVAILABLE = 0x89, TSS_BUSY = 0x8b };

/* ltr ax: the processor sets the descriptor's busy bit, in memory. */
static void test_ltr_mirrors_the_busy_bit(void **state)
{
    (void)state;
    static const uint8_t code[] = {0x0f, 0x00, 0xd8};
    static const uint8_t descriptor[8] = {0x67, 0, 0, 0x50, 0, TSS_AVAILABLE, 0, 0};
    static const uc_x86_mmr gdtr = {.base = GDT_AT, .limit = 0xff};
    struct form_case made = {.state = start};
    struct snippet snippet;
    form_make(&forms[0], &made);
    memset(start->memory + GDT_AT, 0, 0x100);
    memcpy(start->memory + GDT_AT + TSS_SELECTOR, descriptor, sizeof(descriptor));
    start->gpr[EAX] = 0xabcd0000 | TSS_SELECTOR;
    assert_true(snippet_decode(&snippet, code, sizeof(code)));
    assert_string_equal(writer_classes[snippet.row].name, "ltr");
    for (unsigned dead = 0; dead < 2; dead++) {
        snippet.emitter.code.count = 0;
        snippet_translate(&snippet, MIRROR_OFFSET, dead ? GPR_BIT(ECX) | GPR_BIT(EBP) : 0);
        machine_load(&machine, start);
        assert_int_equal(uc_reg_write(machine.uc, UC_X86_REG_GDTR, &gdtr), UC_ERR_OK);
        assert_int_equal(machine_run(&machine, snippet.emitter.code.at, snippet.emitter.code.count),
                         UC_ERR_OK);
        machine_save(&machine, translated);
        assert_int_equal(translated->memory[GDT_AT + TSS_SELECTOR + 5], TSS_BUSY);
        assert_memory_equal(translated->memory, translated->mirror, MEMORY_SIZE);
        assert_int_equal(translated->gpr[EAX], start->gpr[EAX]);
        assert_int_equal(translated->gpr[ESP], start->gpr[ESP]);
        assert_int_equal(translated->eflags, start->eflags);
    }
    snippet_free(&snippet);
}

static bool has_form(const char *row, ZydisMnemonic mnemonic)
{
    struct form_case made = {.state = start};
    for (unsigned i = 0; i < form_count; i++) {
        struct snippet snippet;
        if (strcmp(forms[i].row, row) != 0)
            continue;
        form_make(&forms[i], &made);
        if (snippet_decode(&snippet, made.bytes, made.size) &&
            snippet.insn.zydis.mnemonic == mnemonic)
            return true;
    }
    return false;
}

/* ltr, calls and traps have tests of their own: what they do is more than an instruction's. */
static bool is_tested_elsewhere(const char *row)
{
    static const char *const rows[] = {"ltr", "call", "trap"};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(row, rows[i]) == 0)
            return true;
    return false;
}

static void test_every_mnemonic_of_every_row_has_a_form(void **state)
{
    (void)state;
    unsigned missing = 0;
    for (unsigned row = 0; row < writer_class_count; row++) {
        const struct writer_class *class = &writer_classes[row];
        if (is_tested_elsewhere(class->name))
            continue;
        for (const ZydisMnemonic *m = class->mnemonics; *m != ZYDIS_MNEMONIC_INVALID; m++)
            if (!has_form(class->name, *m)) {
                missing++;
                printf("no form of %s in row %s\n", ZydisMnemonicGetString(*m), class->name);
            }
    }
    assert_int_equal(missing, 0);
}

static void test_dropping_any_mirror_is_noticed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < form_count; i++) {
        bool host = forms[i].flags & FORM_HOST;
        bool noticed = false;
        if (host && !(host_maps && host_has(forms[i].row, forms[i].name)))
            continue;
        for (unsigned n = 0; n < 20 && !noticed; n++) {
            struct form_case made = {.state = start};
            form_make(&forms[i], &made);
            if (host) {
                host_run(start, true, made.bytes, made.size, translated);
            } else {
                machine_load(&machine, start);
                if (machine_run(&machine, made.bytes, made.size) != UC_ERR_OK)
                    continue;
                machine_save(&machine, translated);
            }
            noticed = memcmp(translated->memory, translated->mirror, MEMORY_SIZE) != 0;
        }
        if (!noticed)
            printf("%s writes nothing\n", forms[i].name);
        assert_true(noticed);
    }
}

static int set_up(void **state)
{
    (void)state;
    start = malloc(sizeof(*start));
    native = malloc(sizeof(*native));
    translated = malloc(sizeof(*translated));
    snippet_init();
    machine_open(&machine);
    host_maps = host_open();
    return start == NULL || native == NULL || translated == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    machine_close(&machine);
    free(start);
    free(native);
    free(translated);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_mnemonic_of_every_row_has_a_form),
        cmocka_unit_test(test_dropping_any_mirror_is_noticed),
        cmocka_unit_test(test_ltr_mirrors_the_busy_bit),
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_entries_copy_what_was_pushed),
        cmocka_unit_test(test_interrupt_at_every_boundary),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
