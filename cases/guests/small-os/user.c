/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The program of process 1, which makes process 2 out of itself. Both compute with the floating-point unit at the same time,
 * interrupted by each other; then the second shows that it has memory of its own and dies of a division.
 */

typedef unsigned int u32;

enum system_call_number { EXIT, WRITE, FORK, WAIT, SLEEP, READ, COPIES };

static u32 shared = 1;
static const char computing[] = "two processes compute\n";
static const char right[] = "pi to nine digits\n";
static const char wrong[] = "pi is wrong\n";
static const char same[] = "the parent's memory is its own\n";
static const char changed[] = "the parent's memory has changed\n";
static const char copied[] = "pages are copied on writing\n";
static const char died[] = "the child died of trap 0\n";
static const char typed[] = "typed: ";

static u32 call(u32 number, u32 ebx, u32 ecx)
{
    asm volatile("int $0x80" : "+a"(number) : "b"(ebx), "c"(ecx) : "memory");
    return number;
}

#define SAY(text) call(WRITE, (u32)(text), sizeof(text) - 1)

/* Pi by Machin's formula, in billionths; many times over, so that the timer comes in between. */
static double arctangent_of_inverse(double x)
{
    double power = 1 / x, sum = 0;

    for (int n = 0; n < 24; n++) {
        double term = power / (2 * n + 1);
        sum = (n & 1) ? sum - term : sum + term;
        power /= x * x;
    }
    return sum;
}

static int computes_pi(void)
{
    for (int round = 0; round < 80; round++) {
        double pi = 16 * arctangent_of_inverse(5) - 4 * arctangent_of_inverse(239);
        if ((u32)(int)(pi * 100000000) != 314159265)
            return 0;
    }
    return 1;
}

static void child(void)
{
    volatile u32 zero = 0;

    shared = 2;
    for (u32 i = 0; i < 4; i++)
        ((volatile u32 *)0x10000000)[i * 1024] = i;
    if (!computes_pi())
        call(EXIT, 1, 0);
    call(EXIT, 1 / zero, 0);
}

void user_start(void)
{
    char line[64];
    u32 pid, status, copies;

    SAY(computing);
    pid = call(FORK, 0, 0);
    if (pid == 0)
        child();
    if (computes_pi())
        SAY(right);
    else
        SAY(wrong);
    call(SLEEP, 3, 0);
    status = call(WAIT, pid, 0);
    if (shared == 1)
        SAY(same);
    else
        SAY(changed);
    copies = call(COPIES, 0, 0);
    if (copies > 0)
        SAY(copied);
    if (status == 0)
        SAY(died);
    status = call(READ, (u32)line, sizeof line);
    SAY(typed);
    call(WRITE, (u32)line, status);
    call(EXIT, 0, 0);
}
