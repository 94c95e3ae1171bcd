/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Processes: each has a directory, a kernel stack and, when it has used it, a state of the floating-point unit. */

#include "kernel.h"

#define PROCESSES     4u
#define NS_PER_TICK   1000000u
#define KERNEL_DS     0x69u
#define USER_CS       0x73u
#define USER_DS       0x7Bu
#define USER_STACK    0xBFFFFFF0u
#define EFLAGS_START  0x202u
#define FPU_SIZE      108
#define TASK_SWITCHED 8

enum state { FREE, READY, SLEEPING, WAITING, READING, ZOMBIE };

struct process {
    enum state state;
    u32 esp, wake_at, status, parent;
    u32 *directory;
    u8 *stack;
    int used_fpu;
    u8 fpu[FPU_SIZE];
};

extern void leave_kernel(void);
extern void switch_stacks(u32 *save_to, u32 new_esp);
extern void user_start(void);

/* Process 0 is the kernel itself, which runs when no other can. */
static struct process processes[PROCESSES];
static struct process *current = processes;
static struct process *fpu_owner;
static u32 ticks, fpu_switches, copies, switches;
static int time_is_up;

void tick(void)
{
    ticks++;
    time_is_up = 1;
    hypercall(SET_CLOCKEVENT, NS_PER_TICK, 0, 0);
}

/* ----------------------------------------------------------------------------------- one process at a time */

static int can_run(struct process *process)
{
    if (process->state == SLEEPING && (int)(ticks - process->wake_at) >= 0)
        process->state = READY;
    return process->state == READY;
}

static void switch_to(struct process *next)
{
    struct process *previous = current;

    if (next == previous)
        return;
    switches++;
    current = next;
    queue_hypercall(NEW_PGTABLE, PHYSICAL(next->directory), 0, 0);
    queue_hypercall(TS, next == fpu_owner ? 0 : TASK_SWITCHED, 0, 0);
    queue_hypercall(SET_STACK, KERNEL_DS, (u32)next->stack + PAGE_SIZE, 1);
    hypercall(FLUSH_ASYNC, 0, 0, 0);
    lguest_data.pgdir = PHYSICAL(next->directory);
    switch_stacks(&previous->esp, next->esp);
}

/* The next one that can run, in turn; the present one only when there is no other. */
static void reschedule(void)
{
    u32 here = current - processes;

    for (u32 i = 1; i <= PROCESSES; i++) {
        struct process *next = &processes[(here + i) % PROCESSES];
        if (next != processes && can_run(next)) {
            switch_to(next);
            return;
        }
    }
    switch_to(processes);
}

/* On the way back to user level: at each tick it is another's turn. */
void take_turns(void)
{
    if (!time_is_up)
        return;
    time_is_up = 0;
    reschedule();
}

static void sleep_as(enum state state)
{
    current->state = state;
    reschedule();
}

/* -------------------------------------------------------------------------------------------------- the FPU */

/* Trap 7: somebody else's numbers are in the unit. */
int fpu_trap(void)
{
    hypercall(TS, 0, 0, 0);
    fpu_switches++;
    if (fpu_owner != 0)
        asm volatile("fnsave %0" : "=m"(fpu_owner->fpu));
    fpu_owner = current;
    if (current->used_fpu)
        asm volatile("frstor %0" : : "m"(current->fpu));
    else
        asm volatile("fninit");
    current->used_fpu = 1;
    return 1;
}

/* ------------------------------------------------------------------------------------- birth and death */

static struct process *new_process(u32 *directory)
{
    for (struct process *process = processes; process < processes + PROCESSES; process++) {
        if (process->state != FREE)
            continue;
        process->state = READY;
        process->parent = current - processes;
        process->directory = directory;
        process->stack = new_page();
        process->used_fpu = 0;
        return process;
    }
    shut_down("Too many processes", 0);
    return 0;
}

/* The process will leave the kernel with these registers. */
static void start_with(struct process *process, const struct frame *registers)
{
    struct frame *frame = (struct frame *)(process->stack + PAGE_SIZE) - 1;
    u32 *stack = (u32 *)frame;

    *frame = *registers;
    *--stack = (u32)leave_kernel;
    process->esp = (u32)(stack - 4);            /* EBX, ESI, EDI, EBP of switch_stacks */
}

static u32 fork(struct frame *frame)
{
    u32 *directory = copy_directory(current->directory);
    struct process *child = new_process(directory);
    struct frame registers = *frame;

    hypercall(FLUSH_TLB, 0, 0, 0);
    registers.eax = 0;
    start_with(child, &registers);
    return child - processes;
}

void end_process(u32 status)
{
    struct process *parent = &processes[current->parent];

    if (fpu_owner == current)
        fpu_owner = 0;
    current->status = status;
    if (parent->state == WAITING)
        parent->state = READY;
    sleep_as(ZOMBIE);
}

static u32 wait_for_child(u32 child)
{
    struct process *process = &processes[child];

    while (process->state != ZOMBIE)
        sleep_as(WAITING);
    free_directory(process->directory);
    free_page(process->stack);
    process->state = FREE;
    return process->status;
}

int user_page_fault(u32 address, u32 error)
{
    if (current == processes || !page_fault(current->directory, address, error))
        return 0;
    if ((error & (PRESENT | WRITABLE)) == (PRESENT | WRITABLE))
        copies++;
    return 1;
}

/* ------------------------------------------------------------------------------------------ system calls */

enum system_call_number { EXIT, WRITE, FORK, WAIT, SLEEP, READ, COPIES };

static u32 read_line(char *to, u32 size)
{
    int count;

    if (option("noinput"))
        return 0;
    while ((count = take_line(to, size)) < 0) {
        current->state = READING;
        reschedule();
    }
    return count;
}

void system_call(struct frame *frame)
{
    switch (frame->eax) {
    case EXIT:
        end_process(frame->ebx);
        return;
    case WRITE: {
        char text[128];
        u32 count = frame->ecx < sizeof text ? frame->ecx : sizeof text;
        memcpy(text, (const char *)frame->ebx, count);
        print_bytes(text, count);
        frame->eax = count;
        return;
    }
    case FORK:
        frame->eax = fork(frame);
        return;
    case WAIT:
        frame->eax = wait_for_child(frame->ebx);
        return;
    case SLEEP:
        current->wake_at = ticks + frame->ebx;
        sleep_as(SLEEPING);
        return;
    case READ:
        frame->eax = read_line((char *)frame->ebx, frame->ecx);
        return;
    case COPIES:
        frame->eax = copies;
        return;
    default:
        end_process(0xFF);
    }
}

/* --------------------------------------------------------------------------------------------- process 0 */

void init_processes(void)
{
    static const struct frame registers = {
        .ds = USER_DS, .es = USER_DS, .eip = (u32)user_start, .cs = USER_CS,
        .eflags = EFLAGS_START, .esp = USER_STACK, .ss = USER_DS,
    };
    extern u8 boot_stack[];

    processes[0].state = READY;
    processes[0].directory = new_directory();
    processes[0].stack = boot_stack;
    hypercall(NEW_PGTABLE, PHYSICAL(processes[0].directory), 0, 0);
    hypercall(FLUSH_TLB, 1, 0, 0);
    hypercall(SET_STACK, KERNEL_DS, (u32)boot_stack + PAGE_SIZE, 1);
    hypercall(TS, TASK_SWITCHED, 0, 0);
    start_with(new_process(new_directory()), &registers);
    hypercall(SET_CLOCKEVENT, NS_PER_TICK, 0, 0);
}

/* Until process 1 has ended, whatever happens in between. */
void run_processes(void)
{
    struct process *first = &processes[1];

    while (first->state != ZOMBIE) {
        for (u32 i = 1; i < PROCESSES; i++)
            if (processes[i].state == READING)
                processes[i].state = READY;
        reschedule();
        if (first->state != ZOMBIE)
            wait_for_interrupt();
    }
    wait_for_child(1);
    hypercall(SET_CLOCKEVENT, 0, 0, 0);
    if (option("counts"))
        print("%u ticks, %u switches, %u of the FPU\n", ticks, switches, fpu_switches);
}
