/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs cases of class processor on Linux' KVM, one virtual machine for all of them. KVM takes the whole processor, cached
 * descriptors included, and comes back when HLT is executed at privilege level 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "machine-wire.h"

#define ROOM (1u << 20)
/* Intel processors without "unrestricted guest" need three pages that the guest does not use. */
#define KVM_OWN_PAGES 0xfffbd000ul
#define LIMIT_MICROSECONDS 500000
#define MOST_CPUID_ENTRIES 128

static struct request request;
static struct reply reply;
static uint8_t *memory;
static struct kvm_run *run;
static size_t run_size;
static int system_fd, machine, processor;

static int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

static void interrupt(int signal)
{
	(void)signal;
	run->immediate_exit = 1;
}

static void create_machine(void)
{
	struct kvm_userspace_memory_region region = { .memory_size = ROOM };
	struct sigaction action = { .sa_handler = interrupt };

	system_fd = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	machine = must(ioctl(system_fd, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("no memory for the machine");
	region.userspace_addr = (uintptr_t)memory;
	ioctl(machine, KVM_SET_TSS_ADDR, KVM_OWN_PAGES);
	must(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	run_size = must(ioctl(system_fd, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	sigaction(SIGALRM, &action, NULL);
}

/* A new processor for each case: nothing pending and no translation is left over. */
static void create_processor(int number)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MOST_CPUID_ENTRIES];
	} cpuid = { .head.nent = MOST_CPUID_ENTRIES };

	processor = must(ioctl(machine, KVM_CREATE_VCPU, number), "KVM_CREATE_VCPU");
	if (!ioctl(system_fd, KVM_GET_SUPPORTED_CPUID, &cpuid))
		ioctl(processor, KVM_SET_CPUID2, &cpuid);
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, processor, 0);
	if (run == MAP_FAILED)
		fail("the processor's page cannot be mapped");
}

static void destroy_machine(void)
{
	munmap(run, run_size);
	munmap(memory, ROOM);
	close(processor);
	close(machine);
	close(system_fd);
}

static struct kvm_segment to_kvm(const struct segment *s)
{
	uint32_t a = s->attributes;

	return (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector, .type = a & 15, .s = a >> 4 & 1,
		.dpl = a >> 5 & 3, .present = a >> 7 & 1, .avl = a >> 12 & 1, .l = a >> 13 & 1, .db = a >> 14 & 1,
		.g = a >> 15 & 1, .unusable = !(a & 0x80),
	};
}

static struct segment from_kvm(const struct kvm_segment *s)
{
	uint32_t a = s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 12 | s->l << 13 | s->db << 14 |
		     s->g << 15;

	return (struct segment){ s->selector, s->base, s->limit, s->unusable ? 0 : a };
}

static void set_msrs(const struct registers *r)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} msrs = { .head.nmsrs = 3,
		   .entry = { { .index = 0x174, .data = r->sysenter_cs },
			      { .index = 0x175, .data = r->sysenter_esp },
			      { .index = 0x176, .data = r->sysenter_eip } } };

	must(ioctl(processor, KVM_SET_MSRS, &msrs), "KVM_SET_MSRS");
}

static void get_msrs(struct registers *r)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} msrs = { .head.nmsrs = 3, .entry = { { .index = 0x174 }, { .index = 0x175 }, { .index = 0x176 } } };

	must(ioctl(processor, KVM_GET_MSRS, &msrs), "KVM_GET_MSRS");
	r->sysenter_cs = msrs.entry[0].data;
	r->sysenter_esp = msrs.entry[1].data;
	r->sysenter_eip = msrs.entry[2].data;
}

/* Nonzero when KVM refuses the state: some that a processor can be in cannot be given to it. */
static int set_registers(const struct registers *r)
{
	struct kvm_regs regs = {
		.rax = r->general[0], .rcx = r->general[1], .rdx = r->general[2], .rbx = r->general[3],
		.rsp = r->general[4], .rbp = r->general[5], .rsi = r->general[6], .rdi = r->general[7],
		.rip = r->eip, .rflags = r->eflags,
	};
	struct kvm_sregs sregs;

	must(ioctl(processor, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.es = to_kvm(&r->segments[ES]);
	sregs.cs = to_kvm(&r->segments[CS]);
	sregs.ss = to_kvm(&r->segments[SS]);
	sregs.ds = to_kvm(&r->segments[DS]);
	sregs.fs = to_kvm(&r->segments[FS]);
	sregs.gs = to_kvm(&r->segments[GS]);
	sregs.tr = to_kvm(&r->segments[TR]);
	sregs.ldt = to_kvm(&r->segments[LDTR]);
	sregs.gdt.base = r->gdtr.base;
	sregs.gdt.limit = r->gdtr.limit;
	sregs.idt.base = r->idtr.base;
	sregs.idt.limit = r->idtr.limit;
	sregs.cr0 = r->cr0;
	sregs.cr2 = r->cr2;
	sregs.cr3 = r->cr3;
	sregs.cr4 = r->cr4;
	sregs.efer = 0;
	if (ioctl(processor, KVM_SET_SREGS, &sregs) || ioctl(processor, KVM_SET_REGS, &regs))
		return -1;
	set_msrs(r);
	return 0;
}

static void get_registers(struct registers *r)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	must(ioctl(processor, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	must(ioctl(processor, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	*r = (struct registers){
		.general = { regs.rax, regs.rcx, regs.rdx, regs.rbx, regs.rsp, regs.rbp, regs.rsi, regs.rdi },
		.eip = regs.rip, .eflags = regs.rflags,
		.cr0 = sregs.cr0, .cr2 = sregs.cr2, .cr3 = sregs.cr3, .cr4 = sregs.cr4,
		.segments = { from_kvm(&sregs.es), from_kvm(&sregs.cs), from_kvm(&sregs.ss), from_kvm(&sregs.ds),
			      from_kvm(&sregs.fs), from_kvm(&sregs.gs), from_kvm(&sregs.tr), from_kvm(&sregs.ldt) },
		.gdtr = { sregs.gdt.base, sregs.gdt.limit }, .idtr = { sregs.idt.base, sregs.idt.limit },
	};
	get_msrs(r);
}

static void access_ports(void)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		uint32_t value = 0;

		memcpy(&value, data, run->io.size);
		value = port_access(&request, &reply, run->io.direction == KVM_EXIT_IO_OUT, run->io.port, run->io.size,
				    value);
		memcpy(data, &value, run->io.size);
	}
}

static void cannot(const char *why)
{
	reply.status = CANNOT;
	snprintf(reply.text, sizeof(reply.text), "%s", why);
}

/* KVM does not count instructions: the limit is a time. */
static void run_to_the_end(void)
{
	const struct itimerval limit = { .it_value.tv_usec = LIMIT_MICROSECONDS }, none = { 0 };

	setitimer(ITIMER_REAL, &limit, NULL);
	for (int running = 1; running;) {
		if (ioctl(processor, KVM_RUN, 0) < 0) {
			if (errno != EINTR)
				cannot(strerror(errno));
			else
				reply.status = LIMIT;
			break;
		}
		running = 0;
		switch (run->exit_reason) {
		case KVM_EXIT_HLT:
			reply.status = HALTED;
			break;
		case KVM_EXIT_SHUTDOWN:
			reply.status = SHUTDOWN;
			break;
		case KVM_EXIT_IO:
			access_ports();
			running = 1;
			break;
		case KVM_EXIT_MMIO: /* no memory there: an open bus */
			if (!run->mmio.is_write)
				memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
			running = 1;
			break;
		case KVM_EXIT_FAIL_ENTRY:
			cannot("the processor refuses the state at entry");
			break;
		case KVM_EXIT_INTERNAL_ERROR:
			cannot("KVM gives up: an instruction that it would have to emulate");
			break;
		default:
			cannot("KVM comes back for a reason that has no meaning here");
		}
	}
	setitimer(ITIMER_REAL, &none, NULL);
}

int main(void)
{
	for (;;) {
		create_machine();
		create_processor(0);
		read_request(&request, memory, ROOM);
		memset(&reply, 0, sizeof(reply));
		if (set_registers(&request.registers))
			cannot("KVM does not take the registers");
		else
			run_to_the_end();
		get_registers(&reply.registers);
		write_reply(&reply, memory, request.memory_size);
		destroy_machine();
	}
}
