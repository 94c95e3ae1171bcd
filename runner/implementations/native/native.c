/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs machine code of privilege level 3 on the CPU under us, as a 32-bit user process of Linux.
 *
 * The parent reads cases from standard input and forks a child for each. The child maps the case's pages where the case has
 * them, loads its segments into the LDT, and unmaps everything else but this program itself (the "monitor", linked to an
 * address that cases do not use). It forbids itself all system calls that do not come from the monitor, loads the registers
 * and jumps. What ends the run is always a signal: the handler stores what the kernel tells of the exception (number, error
 * code, CR2, registers), and the child exits.
 *
 * Pages are mapped at the first access and made writable at the first write, by the handler of the page fault. So the answer
 * can say which pages were accessed and which written, as the accessed and dirty bits of a page table would.
 *
 * The wire format is in wire.ts. Built with -m32 -static -fno-pie -no-pie -Wl,-Ttext-segment=0x70000000; nothing but the C
 * library is needed, and the child does not call it any more once its own pages are gone.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096u
#define USER_END 0xFFFFE000u /* where the addresses end that a 32-bit process can map */

#define MAX_PAGES 16384
#define MAX_MEMORY (64u << 20)
#define LDT_ENTRIES 8192

#define TIME_LIMIT_US 250000

#define FAULT_WRITE 2u
#define EFLAGS_RF 0x10000u

/* -------------------------------------------------------------------------------------------------- wire format */

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP, EFLAGS, ES, CS, SS, DS, FS, GS, REGISTERS };

struct hello {
	uint32_t version, lowest_page, monitor, monitor_end;
};

struct request {
	uint32_t registers[REGISTERS];
	uint32_t memory_size, runs, pages, ldt_entries, ldt_limit;
};

struct run {
	uint32_t at, length; /* the bytes follow, padded to a multiple of four */
};

struct page {
	uint32_t linear, physical, writable;
};

struct ldt_entry {
	uint32_t number, base, limit, flags; /* flags: the bit field of struct user_desc */
};

enum { ENDED_BY_SIGNAL, CANNOT_SET_UP, CHILD_DIED };
/* REFUSED: mapped only to see how the processor reports a write to it, which is what ends the run. */
enum { ACCESSED = 1, DIRTY = 2, REFUSED = 4 };

struct result {
	uint32_t status, signal, vector, error_code, cr2;
	uint32_t registers[REGISTERS];
	uint8_t touched[MAX_PAGES];
} __attribute__((aligned(4096))); /* it gets pages of its own */

/* ------------------------------------------------------------------------------------------------ the monitor's */

#define PAGE_ALIGNED __attribute__((aligned(4096)))

static struct result result_page; /* made shared, so that the parent sees what the child stores */
static PAGE_ALIGNED uint8_t signal_stack[16 * 4096], child_stack[4 * 4096];

static struct request request;
static struct page pages[MAX_PAGES];
static struct ldt_entry ldt[LDT_ENTRIES];
static int physical_memory; /* file descriptor */
static uint8_t *physical_view;

/* What enter_case loads. Far pointers: offset, then selector. */
struct {
	uint32_t registers[REGISTERS];
	uint32_t stack[2], code[2];
} start __attribute__((used));

extern char __executable_start[], _end[];
extern char monitor_syscall_end[], signal_return[], signal_return_end[];

long monitor_syscall(long number, long a, long b, long c, long d, long e, long f);
void enter_case(void) __attribute__((noreturn));
void on_child_stack(void (*continue_at)(void), void *top) __attribute__((noreturn));

/* The only places from which a child's system calls are let through are the two instructions before the ..._end labels. */
__asm__(
	".globl monitor_syscall\n"
	"monitor_syscall:\n"
	"	push %ebx\n	push %esi\n	push %edi\n	push %ebp\n"
	"	mov 20(%esp), %eax\n"
	"	mov 24(%esp), %ebx\n	mov 28(%esp), %ecx\n	mov 32(%esp), %edx\n"
	"	mov 36(%esp), %esi\n	mov 40(%esp), %edi\n	mov 44(%esp), %ebp\n"
	"	int $0x80\n"
	".globl monitor_syscall_end\n"
	"monitor_syscall_end:\n"
	"	pop %ebp\n	pop %edi\n	pop %esi\n	pop %ebx\n"
	"	ret\n"

	".globl signal_return\n"
	"signal_return:\n"
	"	mov $173, %eax\n" /* rt_sigreturn */
	"	int $0x80\n"
	".globl signal_return_end\n"
	"signal_return_end:\n"

	".globl on_child_stack\n"
	"on_child_stack:\n"
	"	mov 4(%esp), %eax\n"
	"	mov 8(%esp), %esp\n"
	"	call *%eax\n"

	/* Order: what needs the monitor's own segments first. Nothing after POPF changes a flag. */
	".globl enter_case\n"
	"enter_case:\n"
	"	fninit\n"
	"	mov start+40, %es\n"
	"	mov start+56, %fs\n"
	"	mov start+60, %gs\n"
	"	pushl start+36\n"
	"	popf\n"
	"	mov start+4, %ecx\n	mov start+8, %edx\n	mov start+12, %ebx\n"
	"	mov start+20, %ebp\n	mov start+24, %esi\n	mov start+28, %edi\n"
	"	mov start+0, %eax\n"
	"	lss %cs:start+64, %esp\n"
	"	mov %cs:start+52, %ds\n"
	"	ljmp *%cs:start+72\n"
);

static void *raw_mmap(uint32_t address, uint32_t length, int protection, int flags, int file, uint32_t offset)
{
	return (void *)monitor_syscall(SYS_mmap2, (long)address, (long)length, protection, flags, file, (long)(offset / PAGE));
}

static void leave(void) __attribute__((noreturn));
static void leave(void)
{
	for (;;)
		monitor_syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/* ------------------------------------------------------------------------------------------------ in the child */

/* Makes the page of a fault accessible as far as the case's page tables allow. 0: they do not, the fault is the case's. */
static int demand_page(uint32_t address, int write)
{
	for (uint32_t i = 0; i < request.pages; i++) {
		uint8_t *touched = &result_page.touched[i];
		int dirtied = write && pages[i].writable;
		int protection = PROT_READ | PROT_EXEC | (dirtied ? PROT_WRITE : 0);

		if (pages[i].linear != (address & ~(PAGE - 1)))
			continue;
		if (*touched == 0)
			raw_mmap(pages[i].linear, PAGE, protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
				 physical_memory, pages[i].physical);
		else if (dirtied && !(*touched & DIRTY))
			monitor_syscall(SYS_mprotect, (long)pages[i].linear, PAGE, protection, 0, 0, 0);
		else
			return 0;
		*touched |= dirtied ? ACCESSED | DIRTY : write ? REFUSED : ACCESSED;
		return 1;
	}
	return 0;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	static const uint8_t from[REGISTERS] = {
		[EAX] = REG_EAX, [ECX] = REG_ECX, [EDX] = REG_EDX, [EBX] = REG_EBX, [ESP] = REG_ESP, [EBP] = REG_EBP,
		[ESI] = REG_ESI, [EDI] = REG_EDI, [EIP] = REG_EIP, [EFLAGS] = REG_EFL, [ES] = REG_ES, [CS] = REG_CS,
		[SS] = REG_SS, [DS] = REG_DS, [FS] = REG_FS, [GS] = REG_GS,
	};
	mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
	struct result *result = &result_page;

	(void)info;
	if (signal == SIGSEGV && machine->gregs[REG_TRAPNO] == 14 &&
	    demand_page(machine->cr2, (machine->gregs[REG_ERR] & FAULT_WRITE) != 0)) {
		machine->gregs[REG_EFL] &= (int)~EFLAGS_RF; /* the restart must look like a first try */
		return;
	}
	result->status = ENDED_BY_SIGNAL;
	result->signal = (uint32_t)signal;
	result->vector = (uint32_t)machine->gregs[REG_TRAPNO];
	result->error_code = (uint32_t)machine->gregs[REG_ERR];
	result->cr2 = machine->cr2;
	for (int i = 0; i < REGISTERS; i++)
		result->registers[i] = (uint32_t)machine->gregs[from[i]];
	for (int i = ES; i <= GS; i++)
		result->registers[i] &= 0xFFFF;
	leave();
}

/* As the kernel has it; the C library's own would return through the library. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint32_t mask[2];
};

static void catch_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGVTALRM };
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct kernel_sigaction action = {
		.handler = on_signal,
		.flags = SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */,
		.restorer = (void (*)(void))(uintptr_t)signal_return,
		.mask = { ~0u, ~0u },
	};

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		syscall(SYS_rt_sigaction, signals[i], &action, NULL, sizeof(action.mask));
}

static void limit_resources(void)
{
	struct rlimit none = { 0, 0 }, seconds = { 1, 1 }, memory = { 512u << 20, 512u << 20 };
	struct itimerval timer = { .it_value = { .tv_usec = TIME_LIMIT_US } };

	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_AS, &memory);
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

static void set_ldt_entry(const struct ldt_entry *entry)
{
	struct user_desc description;

	memset(&description, 0, sizeof(description));
	description.entry_number = entry->number;
	description.base_addr = entry->base;
	description.limit = entry->limit;
	memcpy((uint8_t *)&description + 12, &entry->flags, sizeof(entry->flags));
	if (syscall(SYS_modify_ldt, 0x11, &description, sizeof(description)) != 0)
		_exit(1);
}

/* An LDT with the case's limit; what the kernel cannot hold stays empty. */
static void load_ldt(void)
{
	struct ldt_entry last = { .number = request.ldt_limit, .flags = 0x28 /* not present, not writable: empty */ };

	if (request.ldt_limit < LDT_ENTRIES)
		set_ldt_entry(&last);
	for (uint32_t i = 0; i < request.ldt_entries; i++)
		set_ldt_entry(&ldt[i]);
}

static int allow_only_the_monitor(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 8),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uintptr_t)monitor_syscall_end, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uintptr_t)signal_return_end, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap2, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return (int)monitor_syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)(uintptr_t)&program, 0, 0, 0);
}

/* Runs on the monitor's own stack: everything outside of the monitor goes. */
static void become_the_case(void)
{
	uint32_t begin = (uint32_t)(uintptr_t)__executable_start;
	uint32_t end = ((uint32_t)(uintptr_t)_end + PAGE - 1) & ~(PAGE - 1);

	if (monitor_syscall(SYS_munmap, 0, (long)begin, 0, 0, 0, 0) != 0 ||
	    monitor_syscall(SYS_munmap, (long)end, (long)(USER_END - end), 0, 0, 0, 0) != 0 ||
	    allow_only_the_monitor() != 0)
		leave();
	enter_case();
}

static void run_child(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	load_ldt();
	catch_signals();
	limit_resources();
	memcpy(start.registers, request.registers, sizeof(start.registers));
	start.stack[0] = request.registers[ESP];
	start.stack[1] = request.registers[SS];
	start.code[0] = request.registers[EIP];
	start.code[1] = request.registers[CS];
	on_child_stack(become_the_case, child_stack + sizeof(child_stack));
}

/* ------------------------------------------------------------------------------------------------ in the parent */

/* Reads exactly so many bytes; the end of the input ends the program. */
static void receive(void *buffer, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t count = read(0, (char *)buffer + done, length - done);

		if (count > 0)
			done += (size_t)count;
		else if (count == 0 || errno != EINTR)
			exit(count == 0 && done == 0 ? 0 : 1);
	}
}

static void reply(const void *buffer, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t count = write(1, (const char *)buffer + done, length - done);

		if (count > 0)
			done += (size_t)count;
		else if (errno != EINTR)
			exit(1);
	}
}

static void receive_case(void)
{
	struct run run;
	uint8_t rest[4];

	receive(&request, sizeof(request));
	if (request.memory_size > MAX_MEMORY || request.pages > MAX_PAGES || request.ldt_entries > LDT_ENTRIES)
		exit(2);
	memset(physical_view, 0, request.memory_size);
	for (uint32_t i = 0; i < request.runs; i++) {
		receive(&run, sizeof(run));
		if (run.at > request.memory_size || run.length > request.memory_size - run.at)
			exit(2);
		receive(physical_view + run.at, run.length);
		receive(rest, -run.length & 3);
	}
	receive(pages, request.pages * sizeof(*pages));
	receive(ldt, request.ldt_entries * sizeof(*ldt));
}

static void reply_result(void)
{
	uint32_t dirty = 0;

	for (uint32_t i = 0; i < request.pages; i++)
		dirty += (result_page.touched[i] & DIRTY) != 0;
	reply(&result_page, offsetof(struct result, touched));
	reply(result_page.touched, (request.pages + 3) & ~3u);
	reply(&dirty, sizeof(dirty));
	for (uint32_t i = 0; i < request.pages; i++) {
		if (result_page.touched[i] & DIRTY) {
			reply(&pages[i].physical, sizeof(pages[i].physical));
			reply(physical_view + pages[i].physical, PAGE);
		}
	}
}

static void run_case(void)
{
	int status = 0;
	pid_t child;

	memset(&result_page, 0, sizeof(result_page));
	result_page.status = CANNOT_SET_UP;
	child = fork();
	if (child == 0)
		run_child();
	if (child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status)) {
		result_page.status = CHILD_DIED;
		result_page.signal = (uint32_t)WTERMSIG(status);
	}
	reply_result();
}

/* The lowest page that this user may map: root may map all but the first. */
static uint32_t lowest_page(void)
{
	for (uint32_t page = PAGE; page < 0x100000; page += PAGE) {
		void *at = mmap((void *)(uintptr_t)page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (at != MAP_FAILED) {
			munmap(at, PAGE);
			return page;
		}
	}
	return 0x100000;
}

int main(void)
{
	struct hello hello = { 1, lowest_page(), (uint32_t)(uintptr_t)__executable_start, (uint32_t)(uintptr_t)_end };

	physical_memory = memfd_create("memory", 0);
	if (physical_memory < 0 || ftruncate(physical_memory, MAX_MEMORY) != 0)
		return 1;
	physical_view = mmap(NULL, MAX_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, physical_memory, 0);
	if (physical_view == MAP_FAILED ||
	    mmap(&result_page, sizeof(result_page), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return 1;
	reply(&hello, sizeof(hello));
	for (;;) {
		receive_case();
		run_case();
	}
}
