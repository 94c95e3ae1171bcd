// SPDX-License-Identifier: GPL-2.0-or-later
//! An adapter to begin with: it knows one operation of the host, and answers properly to everything else.

mod json;

use json::{object, text, Value};
use std::io::{self, BufRead, Write};

/// Why a request has no result: the code and the message of a JSON-RPC error.
struct Refusal {
    code: i32,
    reason: String,
}

fn unsupported(what: &str) -> Refusal {
    Refusal { code: 1001, reason: what.to_string() }
}

fn about() -> Value {
    object(vec![
        ("protocol_version", Value::Number(1)),
        (
            "implementation",
            object(vec![("name", text("my-host")), ("version", text("0.1")), ("language", text("Rust"))]),
        ),
        ("classes", Value::List(vec![text("host")])),
        ("profile", text("linux-2.6.29")),
        ("operations", Value::List(vec![text("lguest_arch_setup_regs")])),
        // The parts of the state that are right; without this line, all.
        ("observes", Value::List(vec![text("regs")])),
    ])
}

/// The registers with which a new virtual CPU starts: clause REGS-1.
fn lguest_arch_setup_regs(state: &mut Value, start: i64) {
    let regs = state.entry("regs");
    for (name, value) in [("cs", 0x61), ("ds", 0x69), ("es", 0x69), ("ss", 0x69), ("eflags", 0x202), ("eip", start)] {
        *regs.entry(name) = Value::Number(value);
    }
}

/// Your implementation goes on here: an operation changes `state` and returns how it ended.
fn run_step(state: &mut Value, step: &Value) -> Result<&'static str, Refusal> {
    match step.get("op").as_str() {
        "lguest_arch_setup_regs" => {
            lguest_arch_setup_regs(state, step.get("args").get("start").as_number());
            Ok("ok")
        }
        other => Err(unsupported(&format!("operation {other}"))),
    }
}

/// One answer for each step: how it ended, the state after it, and what the host did to its machine.
fn run_case(case: &Value) -> Result<Value, Refusal> {
    let mut state = case.get("given").clone();
    let mut answers = Vec::new();
    for step in case.get("steps").items() {
        let stop = run_step(&mut state, step)?;
        answers.push(object(vec![
            ("outcome", object(vec![("stop", text(stop))])),
            ("state", state.clone()),
            ("events", Value::List(vec![])),
        ]));
    }
    Ok(object(vec![("steps", Value::List(answers))]))
}

fn answer(request: &Value) -> Result<Value, Refusal> {
    match request.get("method").as_str() {
        "initialize" => Ok(about()),
        "run_case" => run_case(request.get("params")),
        "shutdown" => Ok(Value::Null),
        other => Err(Refusal { code: -32601, reason: format!("there is no method {other}") }),
    }
}

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request = json::parse(&line?);
        let mut message = vec![("jsonrpc", text("2.0")), ("id", request.get("id").clone())];
        match answer(&request) {
            Ok(result) => message.push(("result", result)),
            Err(Refusal { code, reason }) => message.push((
                "error",
                object(vec![
                    ("code", Value::Number(code.into())),
                    ("message", text(&reason)),
                    ("data", object(vec![("reason", text(&reason))])),
                ]),
            )),
        }
        writeln!(output, "{}", object(message))?;
        output.flush()?; // without it the runner would wait for ever
        if request.get("method").as_str() == "shutdown" {
            break;
        }
    }
    Ok(())
}
