/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small adapter in C: an lguest host that knows how to emulate IN and OUT, and nothing else. It needs the C library only.
 *
 * There is no JSON library here: requests are read where they are. The state in the answer is the text of the given state with
 * the numbers of EAX and EIP replaced, because an emulated instruction changes nothing else.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../templates/c/json.h"

/* ---------------------------------------------------------------------------------------------------- the guest */

static const char *unsupported; /* why the case at hand is not supported, or NULL */

/* What is needed of the given state to read guest-physical memory. */
struct memory {
	uint32_t size, pfn_limit;
	const char *access, *runs; /* lists */
};

static struct memory memory_of(const char *given)
{
	return (struct memory){ number(member(given, "mem_size")), number(member(member(given, "lg"), "pfn_limit")),
				member(given, "page_access"), member(given, "memory") };
}

/* One byte of guest-physical memory; what is not given is zero. */
static uint8_t read_byte(const struct memory *memory, uint32_t at)
{
	uint8_t byte = 0;

	if (at >= memory->size || (at + 1) / 4096 >= memory->pfn_limit)
		unsupported = "killing a guest";
	for (const char *page = first_item(memory->access); page; page = next_item(page))
		if (number(member(page, "guest_pfn")) == at / 4096 && is(member(page, "access"), "\"unmapped"))
			unsupported = "killing a guest";
	for (const char *run = first_item(memory->runs); run; run = next_item(run)) {
		const char *hex = member(run, "hex");
		uint32_t offset = at - number(member(run, "at"));

		if (offset < (uint32_t)(skip_string(hex) - hex - 2) / 2) {
			char digits[3] = { hex[1 + 2 * offset], hex[2 + 2 * offset], 0 };

			byte = (uint8_t)strtoul(digits, NULL, 16);
		}
	}
	return byte;
}

static uint32_t read_word(const struct memory *memory, uint32_t at)
{
	uint32_t word = 0;

	for (int i = 3; i >= 0; i--)
		word = word << 8 | read_byte(memory, at + (uint32_t)i);
	return word;
}

/* The page directory that the virtual CPU uses: its guest-physical address. */
static uint32_t page_directory(const char *given)
{
	const char *pgdir = first_item(member(member(given, "lg"), "pgdirs"));

	for (uint32_t i = number(member(member(given, "cpu"), "cpu_pgd")); pgdir && i > 0; i--)
		pgdir = next_item(pgdir);
	return number(member(pgdir, "gpgdir"));
}

/* The guest-physical address behind a virtual one, by the guest's own two-level page tables. */
static uint32_t guest_pa(const struct memory *memory, uint32_t directory, uint32_t virtual)
{
	uint32_t entry = read_word(memory, directory + (virtual >> 22) * 4);

	if (entry & 1)
		entry = read_word(memory, (entry & ~0xFFFu) + (virtual >> 12 & 0x3FF) * 4);
	if (!(entry & 1))
		unsupported = "killing a guest";
	return (entry & ~0xFFFu) | (virtual & 0xFFF);
}

/* Emulates the instruction at EIP on the two registers that it can change. */
static void handle_trap(const char *given, uint32_t *eax, uint32_t *eip)
{
	const char *regs = member(given, "regs");
	struct memory memory = memory_of(given);
	uint32_t at = guest_pa(&memory, page_directory(given), *eip);
	int prefixed = read_byte(&memory, at) == 0x66;
	uint8_t byte = read_byte(&memory, at + (uint32_t)prefixed);
	uint32_t length = 1 + (uint32_t)prefixed;

	if (number(member(regs, "trapnum")) != 13 || number(member(regs, "errcode")) != 0 ||
	    !is(member(member(given, "lg"), "dead"), "null"))
		unsupported = "any trap but a general protection fault with error code 0";
	if ((number(member(regs, "cs")) & 3) != 1)
		unsupported = "delivering a trap to the guest";
	switch (byte & 0xFE) {
	case 0xE4: /* IN from an immediate port */
		length++;
		/* fall through */
	case 0xEC: /* IN from the port in DX */
		*eax |= byte & 1 ? 0xFFFFFFFF : prefixed ? 0xFFFF0000 : 0xFFFF;
		break;
	case 0xE6: /* OUT to an immediate port */
		length++;
		/* fall through */
	case 0xEE: /* OUT to the port in DX */
		break;
	default:
		unsupported = "delivering a trap to the guest";
	}
	*eip += length;
}

/* ---------------------------------------------------------------------------------------------------- messages */

/* Writes the given state with new numbers in the place of EAX and EIP, whichever comes first. */
static void print_state(const char *given, uint32_t eax, uint32_t eip)
{
	const char *regs = member(given, "regs");
	const char *at_eax = member(regs, "eax"), *at_eip = member(regs, "eip");
	const char *first = at_eax < at_eip ? at_eax : at_eip, *second = at_eax < at_eip ? at_eip : at_eax;

	printf("%.*s%u", (int)(first - given), given, first == at_eax ? eax : eip);
	printf("%.*s%u", (int)(second - skip(first)), skip(first), second == at_eax ? eax : eip);
	printf("%.*s", (int)(skip(given) - skip(second)), skip(second));
}

static void run_case(const char *params)
{
	const char *given = member(params, "given"), *step = first_item(member(params, "steps"));
	const char *regs = member(given, "regs");
	uint32_t eax = number(member(regs, "eax")), eip = number(member(regs, "eip"));

	unsupported = NULL;
	if (!is(member(params, "class"), "\"host\"") || !is(member(params, "profile"), "\"linux-2.6.29\"") ||
	    !is(member(step, "op"), "\"handle_trap\"") || next_item(step))
		unsupported = "anything but one handle_trap of profile linux-2.6.29";
	else if (!member(regs, "eax") || !member(regs, "eip"))
		unsupported = "a state without registers";
	else
		handle_trap(given, &eax, &eip);
	if (unsupported) {
		printf("\"error\":{\"code\":1001,\"message\":\"unsupported\",\"data\":{\"reason\":\"%s\"}}", unsupported);
		return;
	}
	printf("\"result\":{\"steps\":[{\"outcome\":{\"stop\":\"ok\"},\"events\":[],\"state\":");
	print_state(given, eax, eip);
	printf("}]}");
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		const char *method = member(line, "method");

		printf("{\"jsonrpc\":\"2.0\",\"id\":%u,", number(member(line, "id")));
		if (is(method, "\"initialize\""))
			printf("\"result\":{\"protocol_version\":1,\"implementation\":{\"name\":\"c-example\",\"version\":\"1.0\","
			       "\"language\":\"C\"},\"classes\":[\"host\"],\"profile\":\"linux-2.6.29\","
			       "\"operations\":[\"handle_trap\"],"
			       "\"observes\":[\"regs\",\"cpu\",\"lg\",\"gdt\",\"idt\",\"shadow\",\"memory\"]}");
		else if (is(method, "\"run_case\""))
			run_case(member(line, "params"));
		else if (is(method, "\"shutdown\""))
			printf("\"result\":null");
		else
			printf("\"error\":{\"code\":-32601,\"message\":\"no such method\"}");
		printf("}\n");
		fflush(stdout); /* without it the runner would wait for ever */
		if (is(method, "\"shutdown\""))
			break;
	}
	free(line);
	return 0;
}
