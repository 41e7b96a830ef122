/* The rules of VM entry: fields of a guest that runs break none, one wrong field is the one that is
 * named. */
#include "testing.h"

#include <hv/vmx/check.h>

struct value {
    enum vmcs_field field;
    u64 value;
};

/* As the hypervisor sets them up for a guest in protected mode; fields that are not listed are 0.
 */
static const struct value good[] = {
    {VMCS_PIN_BASED_CONTROLS, 0x3e},
    {VMCS_IO_BITMAP_A, 0x101000},
    {VMCS_IO_BITMAP_B, 0x102000},
    {VMCS_MSR_BITMAPS, 0x103000},
    {VMCS_EPT_POINTER, 0x10401e},
    {VMCS_HOST_ES_SELECTOR, 0x10},
    {VMCS_HOST_CS_SELECTOR, 0x08},
    {VMCS_HOST_SS_SELECTOR, 0x10},
    {VMCS_HOST_DS_SELECTOR, 0x10},
    {VMCS_HOST_TR_SELECTOR, 0x18},
    {VMCS_HOST_CR0, 0x80010033},
    {VMCS_HOST_CR4, 0x42668},
    {VMCS_HOST_EFER, 0xd00},
    {VMCS_GUEST_CR0, 0x31},
    {VMCS_GUEST_CR4, 0x2040},
    {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b},
    {VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093},
    {VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc093},
    {VMCS_GUEST_ES_ACCESS_RIGHTS, 0x10000},
    {VMCS_GUEST_FS_ACCESS_RIGHTS, 0x1c000},
    {VMCS_GUEST_GS_ACCESS_RIGHTS, 0xc093},
    {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b},
    {VMCS_GUEST_RFLAGS, 0x202},
    {VMCS_VMCS_LINK_POINTER, ~0ull},
    {VMCS_GUEST_DR7, 0x400},
};

static struct value changed;

static u64 read_field(enum vmcs_field field)
{
    if (changed.field == field)
        return changed.value;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (good[i].field == field)
            return good[i].value;
    }
    return 0;
}

static void right_fields(void **state)
{
    (void)state;
    changed = (struct value){VMCS_GUEST_RIP, 0x1000};
    assert_null(vmx_check_entry(read_field).rule);
    changed = (struct value){VMCS_GUEST_SS_ACCESS_RIGHTS, 0x10000};
    assert_null(vmx_check_entry(read_field).rule);
}

static void one_wrong_field(void **state)
{
    static const struct value wrong[] = {
        {VMCS_PIN_BASED_CONTROLS, 0x100003e},
        {VMCS_MSR_BITMAPS, 0x103004},
        {VMCS_EPT_POINTER, 0x104018},
        {VMCS_EPT_POINTER, 0x10405e},
        {VMCS_CR3_TARGET_COUNT, 8},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0x80001b0e},
        {VMCS_HOST_CS_SELECTOR, 0},
        {VMCS_HOST_SS_SELECTOR, 0x13},
        {VMCS_HOST_TR_SELECTOR, 0},
        {VMCS_HOST_CR4, 0x668},
        {VMCS_HOST_EFER, 0xc00},
        {VMCS_GUEST_CR0, 0x11},
        {VMCS_GUEST_CR0, 0x80000030},
        {VMCS_GUEST_CR4, 0x40},
        {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc01b},
        {VMCS_GUEST_GS_ACCESS_RIGHTS, 0xc013},
        {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x89},
        {VMCS_GUEST_GDTR_LIMIT, 0x10000},
        {VMCS_GUEST_IDTR_LIMIT, 0x10000},
        {VMCS_GUEST_RFLAGS, 0},
        {VMCS_GUEST_RFLAGS, 0x8002},
        {VMCS_GUEST_ACTIVITY_STATE, 4},
        {VMCS_GUEST_INTERRUPTIBILITY, 0x20},
        {VMCS_GUEST_PENDING_DEBUG, 0x20},
        {VMCS_VMCS_LINK_POINTER, 0},
        {VMCS_GUEST_DR7, 1ull << 32},
        {VMCS_GUEST_EFER, 0x400},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct entry_fault fault;

        changed = wrong[i];
        fault = vmx_check_entry(read_field);
        assert_non_null(fault.rule);
        assert_int_equal(fault.field, wrong[i].field);
        assert_int_equal(fault.value, wrong[i].value);
    }
}

static void names_of_errors(void **state)
{
    (void)state;
    assert_string_equal(vmx_error_name(7), "VM entry with invalid control field(s)");
    assert_string_equal(vmx_error_name(0), "unknown");
    assert_string_equal(vmx_error_name(~0ull), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_fields),
        cmocka_unit_test(one_wrong_field),
        cmocka_unit_test(names_of_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
