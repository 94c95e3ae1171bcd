#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The smallest useful adapter: an lguest host that knows how to emulate IN and OUT, and nothing else."""

import json
import sys

IN, OUT = True, False
INSTRUCTIONS = {0xE4: (2, IN), 0xEC: (1, IN), 0xE6: (2, OUT), 0xEE: (1, OUT)}  # first byte: length, direction


class Unsupported(Exception):
    pass


def read(given, at, size):
    """A little-endian number from guest-physical memory."""
    unmapped = [page["guest_pfn"] for page in given["page_access"] if page["access"] == "unmapped"]
    if at + size > given["mem_size"] or (at + size) >> 12 >= given["lg"]["pfn_limit"] or at >> 12 in unmapped:
        raise Unsupported("killing a guest")
    data = bytearray(size)  # memory that is not given is zero
    for run in given["memory"]:
        for address, byte in enumerate(bytes.fromhex(run["hex"]), run["at"]):
            if at <= address < at + size:
                data[address - at] = byte
    return int.from_bytes(data, "little")


def guest_pa(given, virtual):
    """The guest-physical address behind a virtual one, by the guest's own two-level page tables."""
    directory = given["lg"]["pgdirs"][given["cpu"]["cpu_pgd"]]["gpgdir"]
    entry = read(given, directory + (virtual >> 22) * 4, 4)
    if entry & 1:
        entry = read(given, (entry & 0xFFFFF000) + (virtual >> 12 & 0x3FF) * 4, 4)
    if not entry & 1:
        raise Unsupported("killing a guest")
    return entry & 0xFFFFF000 | virtual & 0xFFF


def handle_trap(given):
    regs = given["regs"]
    if (regs["trapnum"], regs["errcode"]) != (13, 0) or given["lg"]["dead"] is not None:
        raise Unsupported("any trap but a general protection fault with error code 0")
    at = guest_pa(given, regs["eip"])
    prefixed = read(given, at, 1) == 0x66
    byte = read(given, at + prefixed, 1)
    if regs["cs"] & 3 != 1 or byte & 0xFE not in INSTRUCTIONS:
        raise Unsupported("delivering a trap to the guest")
    length, direction = INSTRUCTIONS[byte & 0xFE]
    if direction == IN:
        regs["eax"] |= 0xFFFFFFFF if byte & 1 else 0xFFFF0000 if prefixed else 0xFFFF
    regs["eip"] = (regs["eip"] + length + prefixed) & 0xFFFFFFFF


def run_case(case):
    given, answers = case["given"], []
    if case["profile"] != "linux-2.6.29" or any(step["op"] != "handle_trap" for step in case["steps"]):
        raise Unsupported("any operation but handle_trap of profile linux-2.6.29")
    for _ in case["steps"]:
        handle_trap(given)
        answers.append({"outcome": {"stop": "ok"}, "state": json.loads(json.dumps(given)), "events": []})
    return {"steps": answers}


ABOUT = {
    "protocol_version": 1,
    "implementation": {"name": "python-example", "version": "1.0", "language": "Python"},
    "classes": ["host"],
    "profile": "linux-2.6.29",
    "operations": ["handle_trap"],
    "observes": ["regs", "cpu", "lg", "gdt", "idt", "shadow", "memory"],
}

METHODS = {"initialize": lambda _: ABOUT, "run_case": run_case, "shutdown": lambda _: None}

for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        if request["method"] not in METHODS:
            raise Unsupported(f"the method {request['method']}")
        answer["result"] = METHODS[request["method"]](request.get("params"))
    except Unsupported as reason:
        answer["error"] = {"code": 1001, "message": "unsupported", "data": {"reason": str(reason)}}
    print(json.dumps(answer), flush=True)  # without flush the runner would wait for ever
    if request["method"] == "shutdown":
        break
