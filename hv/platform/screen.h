/* The screen as the firmware left it, for what a person has to read when all is over: white text on
 * black, in columns from the left, until it is full. Does nothing without a framebuffer. */
#ifndef HV_PLATFORM_SCREEN_H
#define HV_PLATFORM_SCREEN_H

#include <hv/types.h>
#include <kmv/bootinfo.h>

void screen_init(const struct kmv_framebuffer *framebuffer);

/* Clears it, and has it show what is logged from here on. Called again it does nothing. */
void screen_take_log(void);

#endif
