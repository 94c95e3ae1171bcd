#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An adapter to begin with: it answers everything properly and can do nothing yet."""

import json
import sys

ABOUT = {
    "protocol_version": 1,
    "implementation": {"name": "my-host", "version": "0.1", "language": "Python"},
    "classes": ["host"],  # of "processor", "host" and "system"
    "profile": "linux-2.6.29",  # or "hardened"
}


class Unsupported(Exception):
    """The message says what the implementation does not do."""


def run_case(case):
    """One answer for each step: how it ended, the state after it, and what the host did to its machine."""
    state, answers = case["given"], []
    for step in case["steps"]:
        if step["op"] not in OPERATIONS:
            raise Unsupported(f"operation {step['op']}")
        answers.append(OPERATIONS[step["op"]](state, step))
    return {"steps": answers}


# Here your implementation begins. An operation changes `state` and returns, for instance,
# {"outcome": {"stop": "ok"}, "state": copy.deepcopy(state), "events": []}
OPERATIONS = {}

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
