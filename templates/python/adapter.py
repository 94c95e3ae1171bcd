#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An adapter to begin with: it knows one operation of the host, and answers properly to everything else."""

import copy
import json
import sys


def lguest_arch_setup_regs(state, step):
    """The registers with which a new virtual CPU starts: clause REGS-1."""
    state["regs"].update(cs=0x61, ds=0x69, es=0x69, ss=0x69, eflags=0x202, eip=step["args"]["start"])
    return "ok"


# Your implementation goes on here. An operation changes `state` and returns how it ended.
OPERATIONS = {"lguest_arch_setup_regs": lguest_arch_setup_regs}

ABOUT = {
    "protocol_version": 1,
    "implementation": {"name": "my-host", "version": "0.1", "language": "Python"},
    "classes": ["host"],  # of "processor", "host" and "system"
    "profile": "linux-2.6.29",  # or "hardened"
    "operations": list(OPERATIONS),
    "observes": ["regs"],  # the parts of the state that are right; without this line, all
}


class Unsupported(Exception):
    """The message says what the implementation does not do."""


def run_case(case):
    """One answer for each step: how it ended, the state after it, and what the host did to its machine."""
    state, answers = case["given"], []
    for step in case["steps"]:
        if step["op"] not in OPERATIONS:
            raise Unsupported(f"operation {step['op']}")
        stop = OPERATIONS[step["op"]](state, step)
        answers.append({"outcome": {"stop": stop}, "state": copy.deepcopy(state), "events": []})
    return {"steps": answers}


METHODS = {"initialize": lambda _: ABOUT, "run_case": run_case, "shutdown": lambda _: None}


def answer(request):
    method = METHODS.get(request["method"])
    if method is None:
        return {"error": {"code": -32601, "message": f"there is no method {request['method']}"}}
    try:
        return {"result": method(request.get("params"))}
    except Unsupported as reason:
        return {"error": {"code": 1001, "message": "unsupported", "data": {"reason": str(reason)}}}


for line in sys.stdin:
    request = json.loads(line)
    # Standard output is for answers only; without flush the runner would wait for ever.
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer(request)}), flush=True)
    if request["method"] == "shutdown":
        break
