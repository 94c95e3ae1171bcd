// SPDX-License-Identifier: GPL-2.0-or-later

import type { WrongShape } from '../implementations/stdio/check-reply.js';

/** The mistakes that authors of adapters make, and the cure of each. */
export const MISTAKES = {
  silent: {
    title: 'no answer',
    cure: 'Flush standard output after every line; it is buffered when it is a pipe. In Python print(..., flush=True) or python3 -u, in C fflush(stdout) or setvbuf, in Rust and Go flush the writer. If that is not it, the program waits for something else, such as the end of its input: answer each line as it comes.',
  },
  text: {
    title: 'text on standard output',
    cure: 'Standard output is for answers only, one JSON object a line. Send banners, logs and debugging lines to standard error.',
  },
  'several-lines': {
    title: 'an answer spread over several lines',
    cure: 'Write each answer on one line: turn indentation and pretty-printing off.',
  },
  'wrong-id': {
    title: 'an answer with another id',
    cure: 'Copy "id" of the request into its answer, as the same number, not as a string.',
  },
  'protocol-version': {
    title: 'protocol_version is missing or not 1',
    cure: 'Answer initialize with "protocol_version": 1, a number. It says that the adapter was written for this protocol.',
  },
  declaration: {
    title: 'the answer to initialize has the wrong shape',
    cure: 'See spec/protocol.md, Methods: protocol_version, implementation {name, version}, classes, profile.',
  },
  'number-as-string': {
    title: 'a number written as a string',
    cure: 'Write integers as JSON numbers in decimal: 3221225472, not "0xc0000000" and not "3221225472".',
  },
  'negative-number': {
    title: 'a negative number',
    cure: 'Registers and addresses are unsigned: take the value modulo 2^32 (in C use uint32_t and %u, in Java and JavaScript >>> 0).',
  },
  'large-number': {
    title: 'a number beyond 32 bits',
    cure: 'Take the value modulo 2^32, as the register would.',
  },
  'hex-prefix': {
    title: 'bytes that are not plain hex',
    cure: 'Write bytes as two hex digits each, in memory order, with nothing between or before them: "e460f4".',
  },
  'missing-key': {
    title: 'a key is missing',
    cure: 'Report the whole state, the unchanged part too. What the adapter cannot report, it leaves out of "observes" in its answer to initialize.',
  },
  shape: {
    title: 'an answer of the wrong shape',
    cure: 'Compare the answer with spec/schema/protocol.schema.json and spec/protocol.md; "lguest-conformance show --json <id>" prints a request, "serve" answers as the reference does.',
  },
  'error-answer': {
    title: 'an error that is neither "unsupported" nor "malformed"',
    cure: 'Answer what the adapter does not do with error 1001 and data.reason; any other error counts as a failure of the case.',
  },
  died: {
    title: 'the program ended instead of answering',
    cure: 'See its standard error below. A program that ends after one answer must be wrapped in a loop: read a line, answer it, and again.',
  },
  'unknown-method': {
    title: 'a method that does not exist is not refused',
    cure: 'Answer an unknown method with error -32601, and go on.',
  },
  'unknown-operation': {
    title: 'an operation that does not exist is not refused',
    cure: 'Answer a case with an operation that the adapter does not know with error 1001, data.reason naming it; never with a result.',
  },
  'claims-too-much': {
    title: 'a class is claimed, but nothing of it is done',
    cure: 'Leave the class out of "classes" until one of its cases is done, or look into why every case is answered "unsupported".',
  },
  echo: {
    title: 'the given state is handed back as it came',
    cure: 'The answer is the state after the operation. Carry the operation out on the given state and report what it has become.',
  },
  shutdown: {
    title: 'shutdown is not obeyed',
    cure: 'Answer shutdown with the result null and end the program with exit code 0.',
  },
  'end-of-input': {
    title: 'the program outlives its input',
    cure: 'End the program when its standard input ends: the runner may have been killed and can no longer say shutdown.',
  },
} as const;

export type Mistake = keyof typeof MISTAKES;

/** One mistake, as it was seen. */
export interface Finding {
  mistake: Mistake;
  /** What exactly was seen, in one or more lines. */
  problem: string;
  /** The request that it was an answer to. */
  request?: string;
}

/** The mistake behind an answer whose shape is wrong. */
export function mistakeOfShape(error: WrongShape): Mistake {
  const { path, value } = error;
  if (path.endsWith('.hex')) return value === undefined ? 'missing-key' : 'hex-prefix';
  if (value === undefined) return 'missing-key';
  if (typeof value === 'string' && /^(-?\d+|0x[0-9a-f]+)$/i.test(value)) return 'number-as-string';
  if (typeof value === 'number' && value < 0) return 'negative-number';
  if (typeof value === 'number' && value > 0xffffffff) return 'large-number';
  return 'shape';
}
