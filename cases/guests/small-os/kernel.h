/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A small operating system for a guest of lguest: what its parts know of each other. */

#ifndef KERNEL_H
#define KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE_SIZE   4096u
#define KERNEL_BASE 0xC0000000u
/* The linear address of a physical one, and back. */
#define VIRTUAL(physical) ((void *)((physical) + KERNEL_BASE))
#define PHYSICAL(pointer) ((u32)(pointer) - KERNEL_BASE)

/* ------------------------------------------------------------------------------------ the host (host.c) */

enum hypercall_number {
    FLUSH_ASYNC = 0, SHUTDOWN = 2, LOAD_GDT = 3, NEW_PGTABLE = 4, FLUSH_TLB = 5, LOAD_IDT_ENTRY = 6,
    SET_STACK = 7, TS = 8, SET_CLOCKEVENT = 9, HALT = 10, SET_PTE = 14, SET_PMD = 15, NOTIFY = 17,
};

#define RING_SIZE 64

struct lguest_data {
    u32 irq_enabled;
    u32 blocked_interrupts;
    u32 cr2;
    u32 time[2];
    u8 hcall_status[RING_SIZE];
    struct { u32 number, ebx, ecx, edx; } hcalls[RING_SIZE];
    u32 reserve_mem, tsc_khz, pgdir;
    const void *noirq_start, *noirq_end;
    u32 kernel_address, syscall_vec;
};
extern struct lguest_data lguest_data;

void hypercall(u32 number, u32 edx, u32 ebx, u32 ecx);
void queue_hypercall(u32 number, u32 edx, u32 ebx, u32 ecx);
void load_tables(void);
void wait_for_interrupt(void);
void shut_down(const char *reason, int restart);

/* ------------------------------------------------------------------------------ printing (print.c) */

/* %s %u %x %c */
void print(const char *format, ...);
extern void (*print_bytes)(const char *bytes, u32 count);
void *memset(void *to, int byte, unsigned long count);
void *memcpy(void *to, const void *from, unsigned long count);
int starts_with(const char *text, const char *start);
/* Whether the command line has this word. */
int option(const char *word);

/* ------------------------------------------------------------------------- processor (processor.c) */

void check_processor(void);

/* ------------------------------------------------------------------------------- memory (memory.c) */

#define PRESENT  1u
#define WRITABLE 2u
#define USER     4u

void init_memory(u32 size);
/* A zeroed page; panics when there is none. */
void *new_page(void);
void free_page(void *page);
u32 free_pages(void);
/* A directory with the kernel in it. */
u32 *new_directory(void);
u32 *copy_directory(u32 *from);
void free_directory(u32 *directory);
/* Whether the access is now possible. */
int page_fault(u32 *directory, u32 address, u32 error);

/* ------------------------------------------------------------------------------ devices (devices.c) */

#define TIMER_IRQ 0

void init_devices(u32 page);
/* Whether it was an interrupt of a device. */
int device_interrupt(u32 irq);
int has_disk(void);
void disk_read(u32 sector, void *to);
void disk_write(u32 sector, const void *from, int barrier);
u32 random_word(void);
/* A line of input; -1: none yet. */
int take_line(char *to, u32 size);

/* -------------------------------------------------------------------------- processes (process.c) */

/* The registers that a trap has pushed. */
struct frame {
    u32 edi, esi, ebp, unused, ebx, edx, ecx, eax;
    u32 ds, es, fs, gs, number, error, eip, cs, eflags, esp, ss;
};

void init_processes(void);
void run_processes(void);
void tick(void);
int fpu_trap(void);
int user_page_fault(u32 address, u32 error);
void system_call(struct frame *frame);
void end_process(u32 status);
void take_turns(void);

#endif
