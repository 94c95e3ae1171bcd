/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Instructions that the kernels of the time use, at level 1. Each check is true when the processor does what its manual says. */

#include "kernel.h"

#define EFLAGS_ID    (1u << 21)
#define FEATURE_CX8  (1u << 8)
#define FEATURE_CMOV (1u << 15)
#define FEATURE_FXSR (1u << 24)
#define SS_SELECTOR  0x69u

static u32 flags_with(u32 set)
{
    u32 flags;

    asm volatile("push %1; popf; pushf; pop %0" : "=r"(flags) : "r"(set) : "cc");
    return flags;
}

static int can_toggle_id(void)
{
    return (flags_with(0x202 | EFLAGS_ID) & EFLAGS_ID) != 0 && (flags_with(0x202) & EFLAGS_ID) == 0;
}

static u32 features(void)
{
    u32 eax = 1, ebx, ecx, edx;

    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return edx;
}

static int exchanges(void)
{
    u32 word = 5, expected = 5, added = 7, swapped = 0x11223344;
    u8 equal;

    asm volatile("lock cmpxchg %3, %1; sete %0" : "=q"(equal), "+m"(word), "+a"(expected) : "r"(9) : "cc");
    asm volatile("lock xadd %0, %1" : "+r"(added), "+m"(word) : : "cc");
    asm volatile("bswap %0; pause" : "+r"(swapped));
    return equal && added == 9 && word == 16 && swapped == 0x44332211;
}

static int finds_bits(void)
{
    u32 first, last, word = 0x00012000, high = 0x80000001, old;

    asm volatile("bsf %2, %0; bsr %2, %1" : "=&r"(first), "=&r"(last) : "r"(word) : "cc");
    asm volatile("lock btsl $4, %1; sbb %0, %0" : "=r"(old), "+m"(word) : : "cc");
    asm volatile("shldl $4, %1, %0" : "+r"(high) : "r"(0xF0000000u) : "cc");
    return first == 13 && last == 16 && old == 0 && word == 0x00012010 && high == 0x0000001F;
}

static int uses_segments(void)
{
    u32 fs = SS_SELECTOR, word = 42, read;

    asm volatile("mov %1, %%fs; mov %%fs:(%2), %0; mov %3, %%fs" : "=&r"(read) : "r"(fs), "r"(&word), "r"(0), "m"(word));
    if (read != 42)
        return 0;
    asm volatile("mov %%ss:(%1), %0" : "=r"(read) : "r"(&word), "m"(word));
    return read == 42;
}

/* The division that some processors once got wrong. */
static int divides(void)
{
    static const double x = 4195835.0, y = 3145727.0;
    int difference;

    asm volatile("fninit; fldl %1; fdivl %2; fmull %2; fldl %1; fsubp %%st, %%st(1); fistpl %0; fwait; fninit"
                 : "=m"(difference) : "m"(x), "m"(y));
    return difference == 0;
}

static int keeps_fpu_state(void)
{
    static u8 area[512] __attribute__((aligned(16)));
    int five = 5, back = 0, extended = 0;

    asm volatile("fninit; fildl %2; fnsave %1; fldz; frstor %1; fistpl %0" : "=m"(back), "=m"(area) : "m"(five));
    if (features() & FEATURE_FXSR)
        asm volatile("fninit; fildl %2; fxsave %1; fninit; fxrstor %1; fistpl %0"
                     : "=m"(extended), "=m"(area) : "m"(five));
    else
        extended = five;
    asm volatile("fninit");
    return back == 5 && extended == 5;
}

static int has_what_it_says(void)
{
    u32 moved = 1;
    u64 wide = 3, expected = 3;
    u8 equal = 1;

    if (features() & FEATURE_CMOV)
        asm volatile("cmp %1, %1; cmove %1, %0" : "+r"(moved) : "r"(6) : "cc");
    else
        moved = 6;
    if (features() & FEATURE_CX8)
        asm volatile("cmpxchg8b %1; sete %0" : "=q"(equal), "+m"(wide), "+A"(expected) : "b"(8), "c"(0) : "cc");
    else
        wide = 8;
    return moved == 6 && equal && wide == 8;
}

void check_processor(void)
{
    static const struct { const char *what; int (*check)(void); } checks[] = {
        { "EFLAGS.ID", can_toggle_id }, { "exchanges", exchanges },     { "bits", finds_bits },
        { "segments", uses_segments },  { "FDIV", divides },            { "FPU state", keeps_fpu_state },
        { "features", has_what_it_says },
    };
    u32 passed = 0;

    for (u32 i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].check())
            passed++;
        else
            print("processor: %s wrong\n", checks[i].what);
    }
    print("processor: %u checks passed\n", passed);
}
