/* What the processor checks at VM entry, so that a failed one can be told by the field it failed
 * for. SDM vol. 3C, 27.2 and 27.3. Plain C over a reader of fields. */
#ifndef HV_VMX_CHECK_H
#define HV_VMX_CHECK_H

#include <hv/types.h>
#include <hv/vmx/vmcs_fields.h>

struct entry_fault {
    enum vmcs_field field;
    u64 value;
    const char *rule; /* what it breaks, with the SDM's section; NULL: no broken rule was found */
};

/* The first rule that the fields break. `read` gives a field's value. */
struct entry_fault vmx_check_entry(u64 (*read)(enum vmcs_field field));

/* The SDM's text for a VM-instruction error (vol. 3C, table 31-1) of VMLAUNCH and VMRESUME. */
const char *vmx_error_name(u64 error);

#endif
