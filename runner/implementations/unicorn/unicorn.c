/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs cases of class processor on the Unicorn engine.
 *
 * Unicorn has no call that sets a segment register with its cached descriptor: UC_X86_REG_CS and its like load it from
 * the tables, with all checks. But uc_context_save and uc_context_restore copy the engine's whole processor as it lies in
 * memory. So this program finds out, by values that only it can have put there, where the fields lie in that copy, and
 * reads and writes them there. When a field is not where it must be, it says so and ends.
 *
 * Unicorn does not deliver exceptions and interrupts: it reports them. The reply then has the registers at the exception
 * and the runner derives the rest.
 */
#include <unicorn/unicorn.h>

#include "machine-wire.h"

#define ROOM (1u << 20)
#define INVALID_OPCODE 6

static uint8_t memory[ROOM] __attribute__((aligned(4096)));
static struct request request;
static struct reply reply;
static uc_context *context;
static uint32_t executed, cr2;

/* ------------------------------------------------------------------------ where the fields are in a saved context */

/* A segment register there: selector, base (8 bytes, aligned), limit, attributes shifted left by 8. */
struct cached {
	uint32_t selector, unused;
	uint64_t base;
	uint32_t limit, flags;
};

/* Six segment registers, then LDTR and TR. Before them the flags that decide how code is translated. */
enum { CACHED_LDTR = 6, CACHED_TR = 7, CACHED_REGISTERS = 8 };
static const int cached_index[8] = { 0, 1, 2, 3, 4, 5, CACHED_TR, CACHED_LDTR };

#define HFLAGS_BEFORE_SEGMENTS 8
#define HF_CPL 0x03u
#define HF_CS32 0x10u
#define HF_SS32 0x20u
#define HF_ADDSEG 0x40u
#define HF_PE 0x80u
#define HF_MP_EM_TS_SHIFT 8 /* bits 1 to 3 of CR0 are bits 9 to 11 here */
#define HF_OSFXSR 0x400000u
#define MODE_FLAGS (HF_CPL | HF_CS32 | HF_SS32 | HF_ADDSEG | HF_PE | 0xe00u | HF_OSFXSR)

static size_t segments_at, error_code_at;

static uint8_t *context_bytes(uc_context *context)
{
	return (uint8_t *)context;
}

static uint32_t word_at(uc_context *context, size_t at)
{
	uint32_t word;

	memcpy(&word, context_bytes(context) + at, 4);
	return word;
}

static size_t find_word(uc_engine *uc, uc_context *context, uint32_t word, size_t from)
{
	for (size_t at = from; at + 4 <= uc_context_size(uc); at += 4)
		if (word_at(context, at) == word)
			return at;
	fail("this version of Unicorn keeps its processor in another way than 2.0");
	return 0;
}

static uc_engine *open_engine(void)
{
	uc_engine *uc;

	if (uc_open(UC_ARCH_X86, UC_MODE_32, &uc) || uc_context_alloc(uc, &context))
		fail("Unicorn cannot be opened");
	return uc;
}

static void find_segments(void)
{
	const uc_x86_mmr ldtr = { 0x48, 0x11223344, 0x5566, 0x8200 }, tr = { 0x18, 0x21324354, 0x6677, 0x8b00 };
	uc_engine *uc = open_engine();
	size_t tr_base;
	uint32_t mode;

	uc_reg_write(uc, UC_X86_REG_LDTR, &ldtr);
	uc_reg_write(uc, UC_X86_REG_TR, &tr);
	uc_context_save(uc, context);
	segments_at = find_word(uc, context, ldtr.base, 0) - 8 - CACHED_LDTR * sizeof(struct cached);
	tr_base = find_word(uc, context, tr.base, 0);
	if (tr_base != segments_at + CACHED_TR * sizeof(struct cached) + 8)
		fail("this version of Unicorn orders the segment registers in another way than 2.0");
	mode = word_at(context, segments_at - HFLAGS_BEFORE_SEGMENTS) & MODE_FLAGS;
	if (mode != (HF_CS32 | HF_SS32 | HF_ADDSEG | HF_PE | HF_OSFXSR))
		fail("this version of Unicorn has its mode flags in another place than 2.0");
	uc_context_free(context);
	uc_close(uc);
}

static void stop(uc_engine *uc, uint32_t vector, void *unused)
{
	(void)vector, (void)unused;
	uc_emu_stop(uc);
}

/* A selector beyond the table makes an error code that nothing else in the processor equals. */
static void find_error_code(void)
{
	static const uint8_t code[] = { 0xb8, 0x64, 0x3a, 0, 0, 0x8e, 0xc0 }; /* mov eax, 3a64h; mov es, eax */
	uint32_t zero = 0;
	uc_engine *uc = open_engine();
	uc_hook hook;

	uc_mem_map(uc, 0, 0x1000, UC_PROT_ALL);
	uc_mem_write(uc, 0, code, sizeof(code));
	uc_hook_add(uc, &hook, UC_HOOK_INTR, stop, NULL, 1, 0);
	uc_emu_start(uc, 0, 0xfffff000, 0, 2);
	uc_reg_write(uc, UC_X86_REG_EAX, &zero);
	uc_context_save(uc, context);
	error_code_at = find_word(uc, context, 0x3a64, segments_at);
	uc_context_free(context);
	uc_close(uc);
}

/* -------------------------------------------------------------------------------------------------- the registers */

static const int general[8] = { UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
				UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI };

static void write_msr(uc_engine *uc, uint32_t number, uint32_t value)
{
	uc_x86_msr msr = { number, value };

	uc_reg_write(uc, UC_X86_REG_MSR, &msr);
}

static uint32_t read_msr(uc_engine *uc, uint32_t number)
{
	uc_x86_msr msr = { number, 0 };

	uc_reg_read(uc, UC_X86_REG_MSR, &msr);
	return msr.value;
}

static uint32_t mode_flags(const struct registers *r)
{
	const struct segment *s = r->segments;
	uint32_t flags = (r->cr0 & 1 ? HF_PE : 0) | (r->cr0 & 0xe) << HF_MP_EM_TS_SHIFT;

	if (r->cr4 & 0x200)
		flags |= HF_OSFXSR;
	if ((r->cr0 & 1) && !(r->eflags & 0x20000))
		flags |= s[SS].attributes >> 5 & HF_CPL;
	else if (r->eflags & 0x20000)
		flags |= HF_CPL;
	if (s[CS].attributes & 0x4000)
		flags |= HF_CS32;
	if (s[SS].attributes & 0x4000)
		flags |= HF_SS32;
	if (!(r->cr0 & 1) || (r->eflags & 0x20000) || !(s[CS].attributes & 0x4000) || s[DS].base || s[ES].base ||
	    s[SS].base)
		flags |= HF_ADDSEG;
	return flags;
}

#define FPCW_AFTER_FNINIT 0x37f
#define FPTAG_EMPTY 0xffff

static void set_registers(uc_engine *uc, uc_context *context, const struct registers *r)
{
	uc_x86_mmr gdtr = { 0, r->gdtr.base, r->gdtr.limit, 0 }, idtr = { 0, r->idtr.base, r->idtr.limit, 0 };
	struct cached cached[CACHED_REGISTERS];
	const uint16_t fpcw = FPCW_AFTER_FNINIT, fptag = FPTAG_EMPTY;
	uint32_t hflags;

	for (int i = 0; i < 8; i++)
		uc_reg_write(uc, general[i], &r->general[i]);
	uc_reg_write(uc, UC_X86_REG_FPCW, &fpcw);
	uc_reg_write(uc, UC_X86_REG_FPTAG, &fptag);
	uc_reg_write(uc, UC_X86_REG_GDTR, &gdtr);
	uc_reg_write(uc, UC_X86_REG_IDTR, &idtr);
	uc_reg_write(uc, UC_X86_REG_CR4, &r->cr4);
	uc_reg_write(uc, UC_X86_REG_CR3, &r->cr3);
	uc_reg_write(uc, UC_X86_REG_CR2, &r->cr2);
	uc_reg_write(uc, UC_X86_REG_CR0, &r->cr0);
	uc_reg_write(uc, UC_X86_REG_EFLAGS, &r->eflags);
	write_msr(uc, 0x174, r->sysenter_cs);
	write_msr(uc, 0x175, r->sysenter_esp);
	write_msr(uc, 0x176, r->sysenter_eip);

	uc_context_save(uc, context);
	memcpy(&hflags, context_bytes(context) + segments_at - HFLAGS_BEFORE_SEGMENTS, 4);
	hflags &= ~MODE_FLAGS;
	hflags |= mode_flags(r);
	memcpy(context_bytes(context) + segments_at - HFLAGS_BEFORE_SEGMENTS, &hflags, 4);
	for (int i = 0; i < 8; i++) {
		const struct segment *s = &r->segments[i];

		cached[cached_index[i]] = (struct cached){ s->selector, 0, s->base, s->limit, s->attributes << 8 };
	}
	memcpy(context_bytes(context) + segments_at, cached, sizeof(cached));
	uc_context_restore(uc, context);
}

static void get_registers(uc_engine *uc, uc_context *context, struct registers *r)
{
	uc_x86_mmr gdtr, idtr;
	struct cached cached[CACHED_REGISTERS];

	for (int i = 0; i < 8; i++)
		uc_reg_read(uc, general[i], &r->general[i]);
	uc_reg_read(uc, UC_X86_REG_EIP, &r->eip);
	uc_reg_read(uc, UC_X86_REG_EFLAGS, &r->eflags);
	uc_reg_read(uc, UC_X86_REG_CR0, &r->cr0);
	uc_reg_read(uc, UC_X86_REG_CR2, &r->cr2);
	uc_reg_read(uc, UC_X86_REG_CR3, &r->cr3);
	uc_reg_read(uc, UC_X86_REG_CR4, &r->cr4);
	uc_reg_read(uc, UC_X86_REG_GDTR, &gdtr);
	uc_reg_read(uc, UC_X86_REG_IDTR, &idtr);
	r->gdtr = (struct table){ gdtr.base, gdtr.limit };
	r->idtr = (struct table){ idtr.base, idtr.limit };
	r->sysenter_cs = read_msr(uc, 0x174);
	r->sysenter_esp = read_msr(uc, 0x175);
	r->sysenter_eip = read_msr(uc, 0x176);
	uc_context_save(uc, context);
	memcpy(cached, context_bytes(context) + segments_at, sizeof(cached));
	for (int i = 0; i < 8; i++) {
		const struct cached *c = &cached[cached_index[i]];

		r->segments[i] = (struct segment){ c->selector, c->base, c->limit, c->flags >> 8 & 0xf0ff };
	}
	r->segments[TR].attributes |= 2; /* kept without the busy bit */
	reply.error_code = word_at(context, error_code_at);
	reply.is_int = word_at(context, error_code_at + 4);
}

/* ------------------------------------------------------------------------------------------------------- the hooks */

/* The registers are read here: on its way out of uc_emu_start Unicorn translates an address, which may change CR2. */
static void note_exception(uc_engine *uc, uint32_t vector)
{
	reply.status = EXCEPTION;
	reply.vector = vector;
	get_registers(uc, context, &reply.registers);
}

static void stop_at_exception(uc_engine *uc, uint32_t vector, void *unused)
{
	(void)unused;
	note_exception(uc, vector);
	uc_emu_stop(uc);
}

static bool stop_at_invalid(uc_engine *uc, void *unused)
{
	(void)unused;
	note_exception(uc, INVALID_OPCODE);
	return false;
}

static void count(uc_engine *uc, uint64_t address, uint32_t size, void *unused)
{
	(void)address, (void)size, (void)unused;
	uc_reg_read(uc, UC_X86_REG_CR2, &cr2);
	if (executed++ < request.instructions)
		return;
	reply.status = LIMIT;
	uc_emu_stop(uc);
}

static uint32_t in(uc_engine *uc, uint32_t port, int size, void *unused)
{
	(void)uc, (void)unused;
	return port_access(&request, &reply, 0, port & 0xffff, size, 0);
}

static void out(uc_engine *uc, uint32_t port, int size, uint32_t value, void *unused)
{
	(void)uc, (void)unused;
	port_access(&request, &reply, 1, port & 0xffff, size, value);
}

/* ----------------------------------------------------------------------------------------------------------- a case */

static void cannot(const char *what, uc_err error)
{
	reply.status = CANNOT;
	snprintf(reply.text, sizeof(reply.text), "%s: %s", what, uc_strerror(error));
}

static void judge_end(uc_err error)
{
	switch (error) {
	case UC_ERR_OK:
	case UC_ERR_INSN_INVALID:
		break;
	case UC_ERR_READ_UNMAPPED:
	case UC_ERR_WRITE_UNMAPPED:
	case UC_ERR_FETCH_UNMAPPED:
		cannot(request.registers.cr0 & 0x80000000 ?
			       "Unicorn 2.0 does not translate addresses, it only checks rights; at the linear address is no memory" :
			       "Unicorn ends the run at an address without memory",
		       error);
		break;
	default:
		cannot("Unicorn ended the run", error);
	}
}

/* A new engine for each case: code that was translated for one must not run in another. */
static void run_case(void)
{
	uc_engine *uc = open_engine();
	uc_hook hook;

	memset(&reply, 0, sizeof(reply));
	executed = 0;
	if (uc_mem_map_ptr(uc, 0, (request.memory_size + 4095) & ~4095u, UC_PROT_ALL, memory))
		fail("Unicorn cannot map memory");
	uc_hook_add(uc, &hook, UC_HOOK_INTR, stop_at_exception, NULL, 1, 0);
	uc_hook_add(uc, &hook, UC_HOOK_INSN_INVALID, stop_at_invalid, NULL, 1, 0);
	uc_hook_add(uc, &hook, UC_HOOK_CODE, count, NULL, 1, 0);
	uc_hook_add(uc, &hook, UC_HOOK_INSN, in, NULL, 1, 0, UC_X86_INS_IN);
	uc_hook_add(uc, &hook, UC_HOOK_INSN, out, NULL, 1, 0, UC_X86_INS_OUT);
	set_registers(uc, context, &request.registers);
	reply.status = HALTED;
	judge_end(uc_emu_start(uc, request.registers.eip, 0xffffffff, 0, 0));
	if (reply.status != EXCEPTION) {
		get_registers(uc, context, &reply.registers);
		reply.registers.cr2 = cr2;
	}
	uc_context_free(context);
	uc_close(uc);
}

int main(void)
{
	find_segments();
	find_error_code();
	for (;;) {
		read_request(&request, memory, ROOM);
		run_case();
		write_reply(&reply, memory, request.memory_size);
	}
}
