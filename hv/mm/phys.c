#include <hv/mm/phys.h>

void *phys_ptr(hpa_t hpa)
{
    return (void *)hpa.v;
}
