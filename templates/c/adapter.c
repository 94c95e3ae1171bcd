/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An adapter to begin with: it knows one operation of the host, and answers properly to everything else. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"

/* ---------------------------------------------------------------------------------------------------- the host */

static const char *const NAMES[] = { "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "gs", "fs", "ds", "es",
				     "trapnum", "errcode", "eip", "cs", "eflags", "esp", "ss" };
#define REGISTERS (sizeof(NAMES) / sizeof(NAMES[0]))

static void set(uint32_t *regs, const char *name, uint32_t value)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		if (!strcmp(NAMES[i], name))
			regs[i] = value;
}

/* The registers with which a new virtual CPU starts: clause REGS-1. */
static void lguest_arch_setup_regs(uint32_t *regs, uint32_t start)
{
	set(regs, "cs", 0x61);
	set(regs, "ds", 0x69);
	set(regs, "es", 0x69);
	set(regs, "ss", 0x69);
	set(regs, "eflags", 0x202);
	set(regs, "eip", start);
}

/* Your implementation goes on here. */
static void run_case(const char *params)
{
	const char *given = member(member(params, "given"), "regs");
	const char *step = first_item(member(params, "steps"));
	uint32_t regs[REGISTERS];

	if (!is(member(step, "op"), "\"lguest_arch_setup_regs\"") || next_item(step)) {
		printf("\"error\":{\"code\":1001,\"message\":\"unsupported\","
		       "\"data\":{\"reason\":\"anything but one lguest_arch_setup_regs\"}}");
		return;
	}
	for (unsigned i = 0; i < REGISTERS; i++)
		regs[i] = number(member(given, NAMES[i]));
	lguest_arch_setup_regs(regs, number(member(member(step, "args"), "start")));
	printf("\"result\":{\"steps\":[{\"outcome\":{\"stop\":\"ok\"},\"events\":[],\"state\":{\"regs\":{");
	for (unsigned i = 0; i < REGISTERS; i++)
		printf("%s\"%s\":%u", i ? "," : "", NAMES[i], regs[i]);
	printf("}}}]}");
}

/* ---------------------------------------------------------------------------------------------------- messages */

static const char ABOUT[] = "{\"protocol_version\":1,"
			    "\"implementation\":{\"name\":\"my-host\",\"version\":\"0.1\",\"language\":\"C\"},"
			    "\"classes\":[\"host\"],\"profile\":\"linux-2.6.29\","
			    "\"operations\":[\"lguest_arch_setup_regs\"],\"observes\":[\"regs\"]}";

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		const char *method = member(line, "method");

		printf("{\"jsonrpc\":\"2.0\",\"id\":%u,", number(member(line, "id")));
		if (is(method, "\"initialize\""))
			printf("\"result\":%s", ABOUT);
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
