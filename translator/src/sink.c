#include "sink.h"

void sink_put(struct sink *sink, uint64_t offset, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (offset != sink->position && fseek(sink->stream, (long)offset, SEEK_SET) != 0)
        return;
    fwrite(data, 1, size, sink->stream);
    sink->position = offset + size;
    if (sink->end < sink->position)
        sink->end = sink->position;
}

uint64_t sink_align(struct sink *sink, uint64_t align)
{
    sink->end = (sink->end + align - 1) & ~(align - 1);
    return sink->end;
}
