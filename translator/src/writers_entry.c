#include "writers.h"

/*
 * A call's mirror is not written before the call: an interrupt in between would push its frame into
 * the same slot. The copy is also harmless where no call came from: it only makes a mirror equal to
 * its native dword.
 */
void write_entry_copy(struct emitter *emitter)
{
    write_trap_copy(emitter, (struct trap_frame){0, 1});
}

void write_trap_copy(struct emitter *emitter, struct trap_frame frame)
{
    emit_window_open(emitter);
    enum gpr value = emit_scratch(emitter, GPR_ALL);
    emit_copy(emitter, emit_based(ESP, emitter->esp_shift + frame.skip), frame.dwords * 4, value);
    emit_window_close(emitter);
    emit_restore(emitter);
}
