/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What this kernel asks of its host, and what the host sends it. */

#include "kernel.h"

#define GDT_ENTRIES    16
#define INTERRUPT_GATE 0x8E00u
#define TRAP_GATE      0x8F00u
#define FOR_KERNEL     0x2000u
#define FOR_USERS      0x6000u
#define KERNEL_CS      0x61u
#define FIRST_IRQ      32
#define SYSTEM_CALL    128

extern const char noirq_start[], noirq_end[];
extern void load_segments(void);
extern void trap_0(void), trap_3(void), trap_6(void), trap_7(void), trap_13(void), trap_14(void), trap_16(void);
extern void trap_32(void), trap_33(void), trap_34(void), trap_35(void), trap_36(void), trap_37(void);
extern void trap_38(void), trap_39(void), trap_128(void);

struct lguest_data lguest_data = {
    .hcall_status = { [0 ... RING_SIZE - 1] = 0xFF },
    .noirq_start = noirq_start,
    .noirq_end = noirq_end,
    .kernel_address = KERNEL_BASE,
    .syscall_vec = SYSTEM_CALL,
};

/* Levels as the kernel would have them on a processor of its own: the host makes 1 of 0. */
static u64 gdt[GDT_ENTRIES] = {
    [12] = 0x00CF9B000000FFFFull, [13] = 0x00CF93000000FFFFull,
    [14] = 0x00CFFB000000FFFFull, [15] = 0x00CFF3000000FFFFull,
};

static const struct { u8 vector; u16 type; void (*handler)(void); } gates[] = {
    { 0, TRAP_GATE | FOR_KERNEL, trap_0 },   { 3, TRAP_GATE | FOR_USERS, trap_3 },
    { 6, TRAP_GATE | FOR_KERNEL, trap_6 },   { 7, INTERRUPT_GATE | FOR_KERNEL, trap_7 },
    { 13, TRAP_GATE | FOR_KERNEL, trap_13 }, { 14, INTERRUPT_GATE | FOR_KERNEL, trap_14 },
    { 16, TRAP_GATE | FOR_KERNEL, trap_16 },
    { 32, INTERRUPT_GATE | FOR_KERNEL, trap_32 }, { 33, INTERRUPT_GATE | FOR_KERNEL, trap_33 },
    { 34, INTERRUPT_GATE | FOR_KERNEL, trap_34 }, { 35, INTERRUPT_GATE | FOR_KERNEL, trap_35 },
    { 36, INTERRUPT_GATE | FOR_KERNEL, trap_36 }, { 37, INTERRUPT_GATE | FOR_KERNEL, trap_37 },
    { 38, INTERRUPT_GATE | FOR_KERNEL, trap_38 }, { 39, INTERRUPT_GATE | FOR_KERNEL, trap_39 },
    { SYSTEM_CALL, TRAP_GATE | FOR_USERS, trap_128 },
};

void hypercall(u32 number, u32 edx, u32 ebx, u32 ecx)
{
    asm volatile("int $0x1F" : : "a"(number), "d"(edx), "b"(ebx), "c"(ecx) : "memory");
}

/* Calls that can wait until the next one that cannot. */
void queue_hypercall(u32 number, u32 edx, u32 ebx, u32 ecx)
{
    static u32 next;

    if (lguest_data.hcall_status[next] != 0xFF) {       /* the ring is full: a direct call empties it */
        hypercall(number, edx, ebx, ecx);
        return;
    }
    lguest_data.hcalls[next].number = number;
    lguest_data.hcalls[next].edx = edx;
    lguest_data.hcalls[next].ebx = ebx;
    lguest_data.hcalls[next].ecx = ecx;
    asm volatile("" : : : "memory");
    lguest_data.hcall_status[next] = 0;
    next = (next + 1) % RING_SIZE;
}

void load_tables(void)
{
    hypercall(LOAD_GDT, PHYSICAL(gdt), GDT_ENTRIES, 0);
    load_segments();
    for (u32 i = 0; i < sizeof gates / sizeof gates[0]; i++) {
        u32 handler = (u32)gates[i].handler;
        hypercall(LOAD_IDT_ENTRY, gates[i].vector, KERNEL_CS << 16 | (handler & 0xFFFF),
                  (handler & 0xFFFF0000) | gates[i].type);
    }
}

/* Sleeps until an interrupt has been handled; interrupts are off before and after. */
void wait_for_interrupt(void)
{
    hypercall(HALT, 0, 0, 0);
    lguest_data.irq_enabled = 0;
}

void shut_down(const char *reason, int restart)
{
    hypercall(SHUTDOWN, PHYSICAL(reason), restart ? 2 : 1, 0);
    for (;;)
        ;
}

static void unexpected(struct frame *frame)
{
    print("trap %u, error %x, at %x", frame->number, frame->error, frame->eip);
    if (frame->number == 14)
        print(", address %x", lguest_data.cr2);
    print("\n");
    if ((frame->cs & 3) == 3)
        end_process(frame->number);
    shut_down("Unexpected trap in the kernel", 0);
}

static int handled(struct frame *frame)
{
    switch (frame->number) {
    case 7:
        return fpu_trap();
    case 14:
        return user_page_fault(lguest_data.cr2, frame->error);
    case SYSTEM_CALL:
        system_call(frame);
        return 1;
    case FIRST_IRQ + TIMER_IRQ:
        tick();
        return 1;
    default:
        return frame->number >= FIRST_IRQ && device_interrupt(frame->number - FIRST_IRQ);
    }
}

/* Everything comes here, with interrupts off. A process may lose its turn on the way back. */
void handle_trap(struct frame *frame)
{
    if (!handled(frame))
        unexpected(frame);
    if ((frame->cs & 3) == 3)
        take_turns();
}
