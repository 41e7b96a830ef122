/* The guest's library, built for the host: its names must not meet libc's. */
#ifndef TEST_USER_RENAME_H
#define TEST_USER_RENAME_H

#define printf         guest_printf
#define vprintf        guest_vprintf
#define malloc         guest_malloc
#define free           guest_free
#define sbrk           guest_sbrk
#define write          guest_write
#define strlen         guest_strlen
#define strcmp         guest_strcmp
#define strncmp        guest_strncmp
#define strcpy         guest_strcpy
#define strchr         guest_strchr
#define memset         guest_memset
#define memmove        guest_memmove
#define memcpy         guest_memcpy
#define memcmp         guest_memcmp
#define atoi           guest_atoi
#define parse_unsigned guest_parse_unsigned

#endif
