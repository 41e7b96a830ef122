/* Device majors: what reading and writing a device file does. */
#ifndef DEVICE_H
#define DEVICE_H

#include "param.h"

#define CONSOLE_MAJOR 1

/* Both return the number of bytes moved, or -1. NULL: not possible. The buffer is checked already.
 */
struct device {
    int (*read)(char *to, int bytes);
    int (*write)(const char *from, int bytes);
};

extern struct device devices[NDEV];

#endif
