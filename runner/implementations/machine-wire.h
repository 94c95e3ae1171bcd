/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes over the pipes between the runner and a C program that runs cases of class processor on a machine:
 * little-endian double words; machine-wire.ts is the other end.
 *
 *   request: the registers, memory size in bytes, most instructions, number of memory runs, the runs (address, bytes,
 *            the bytes padded to a multiple of 4), number of ports, the ports (number, size, value)
 *   reply:   bytes that follow, status, vector, error code, is_int, the registers, number of port accesses, the accesses
 *            (1 for out, port, size, value), bytes of text, the text padded, the memory
 */
#ifndef MACHINE_WIRE_H
#define MACHINE_WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct segment {
	uint32_t selector, base, limit, attributes;
};

struct table {
	uint32_t base, limit;
};

/* The order of the fields is the order on the wire. Segments: ES CS SS DS FS GS TR LDTR. */
struct registers {
	uint32_t general[8]; /* EAX ECX EDX EBX ESP EBP ESI EDI */
	uint32_t eip, eflags, cr0, cr2, cr3, cr4;
	uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
	struct segment segments[8];
	struct table gdtr, idtr;
};

enum { ES, CS, SS, DS, FS, GS, TR, LDTR };

enum status {
	HALTED,
	LIMIT,
	SHUTDOWN,
	/* An exception or INT n that the machine leaves to the runner: registers are those at it. */
	EXCEPTION,
	/* `text` says why the machine cannot run the case. */
	CANNOT,
};

struct port {
	uint32_t port, size, value;
};

struct access {
	uint32_t out, port, size, value;
};

#define MOST_PORTS 64
#define MOST_ACCESSES 4096

struct request {
	struct registers registers;
	uint32_t memory_size, instructions;
	uint32_t ports;
	struct port port[MOST_PORTS];
};

struct reply {
	uint32_t status, vector, error_code, is_int;
	struct registers registers;
	uint32_t accesses;
	struct access access[MOST_ACCESSES];
	char text[256];
};

static inline uint32_t read_word(void)
{
	uint32_t word;

	if (fread(&word, 4, 1, stdin) != 1)
		exit(0);
	return word;
}

static inline void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* Reads the next request and fills `memory` (of `room` bytes); ends the program at the end of the input. */
static inline void read_request(struct request *request, uint8_t *memory, uint32_t room)
{
	uint32_t *words = (uint32_t *)&request->registers;

	for (size_t i = 0; i < sizeof(request->registers) / 4; i++)
		words[i] = read_word();
	request->memory_size = read_word();
	request->instructions = read_word();
	if (request->memory_size > room)
		fail("the case has more memory than the machine");
	memset(memory, 0, room);
	for (uint32_t runs = read_word(); runs > 0; runs--) {
		uint32_t at = read_word(), length = read_word();
		uint32_t padding = -length & 3, ignored;

		if (at > request->memory_size || length > request->memory_size - at)
			fail("a run of memory lies beyond the machine's");
		if (length && fread(memory + at, length, 1, stdin) != 1)
			exit(0);
		if (padding && fread(&ignored, padding, 1, stdin) != 1)
			exit(0);
	}
	request->ports = read_word();
	if (request->ports > MOST_PORTS)
		fail("the case has more ports than the machine");
	for (uint32_t i = 0; i < request->ports; i++) {
		request->port[i].port = read_word();
		request->port[i].size = read_word();
		request->port[i].value = read_word();
	}
}

/* What a read from a port yields: what the case says, else all ones. The access is noted. */
static inline uint32_t port_access(const struct request *request, struct reply *reply, int out, uint32_t port,
				   uint32_t size, uint32_t value)
{
	uint32_t mask = size == 4 ? 0xffffffff : (1u << (8 * size)) - 1;

	if (!out) {
		value = mask;
		for (uint32_t i = 0; i < request->ports; i++)
			if (request->port[i].port == port && request->port[i].size == size)
				value = request->port[i].value;
	}
	if (reply->accesses < MOST_ACCESSES)
		reply->access[reply->accesses++] = (struct access){ out, port, size, value & mask };
	return value & mask;
}

static inline void write_reply(const struct reply *reply, const uint8_t *memory, uint32_t memory_size)
{
	uint32_t text = strlen(reply->text), padded = (text + 3) & ~3u;
	uint32_t head = 4 * 4 + sizeof(reply->registers) + 4 + reply->accesses * sizeof(struct access) + 4 + padded;
	uint32_t length = head + memory_size;
	static const char zeros[4];

	fwrite(&length, 4, 1, stdout);
	fwrite(reply, 4 * 4 + sizeof(reply->registers), 1, stdout);
	fwrite(&reply->accesses, 4, 1, stdout);
	fwrite(reply->access, sizeof(struct access), reply->accesses, stdout);
	fwrite(&text, 4, 1, stdout);
	fwrite(reply->text, 1, text, stdout);
	fwrite(zeros, 1, padded - text, stdout);
	fwrite(memory, 1, memory_size, stdout);
	fflush(stdout);
}

#endif
