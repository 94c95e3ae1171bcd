/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text: on the early console, of which the host knows only an address, until a better one is there. */

#include <stdarg.h>
#include "kernel.h"

#define EARLY_CHUNK      16
#define COMMAND_LINE_PTR 0x228

static void print_early(const char *bytes, u32 count)
{
    char chunk[EARLY_CHUNK + 1];

    while (count > 0) {
        u32 part = count < EARLY_CHUNK ? count : EARLY_CHUNK;
        memcpy(chunk, bytes, part);
        chunk[part] = 0;
        hypercall(NOTIFY, PHYSICAL(chunk), 0, 0);
        bytes += part;
        count -= part;
    }
}

void (*print_bytes)(const char *bytes, u32 count) = print_early;

static char line[256];
static u32 length;

static void put(char c)
{
    if (length < sizeof line)
        line[length++] = c;
}

static void put_number(u32 number, u32 base)
{
    char digits[10];
    u32 count = 0;

    do
        digits[count++] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    while (count > 0)
        put(digits[--count]);
}

void print(const char *format, ...)
{
    va_list args;

    length = 0;
    va_start(args, format);
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            for (const char *text = va_arg(args, const char *); *text != 0; text++)
                put(*text);
            break;
        case 'u':
            put_number(va_arg(args, u32), 10);
            break;
        case 'x':
            put_number(va_arg(args, u32), 16);
            break;
        }
    }
    va_end(args);
    print_bytes(line, length);
}

void *memset(void *to, int byte, unsigned long count)
{
    void *start = to;

    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(byte) : "memory");
    return start;
}

void *memcpy(void *to, const void *from, unsigned long count)
{
    void *start = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    return start;
}

int starts_with(const char *text, const char *start)
{
    while (*start != 0)
        if (*text++ != *start++)
            return 0;
    return 1;
}

int option(const char *word)
{
    const char *text = VIRTUAL(*(u32 *)VIRTUAL(COMMAND_LINE_PTR));

    for (; *text != 0; text++)
        if (starts_with(text, word))
            return 1;
    return 0;
}
