// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * A recording of a run: what it was made of, what came in and when, and how it ended. JSON, one object a line. Nothing else
 * of a run depends on the world outside, so that a second run with the same input is the same run.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../message-of.js';
import { UsageError } from '../usage.js';

/** What two runs must have in common. */
export type RunIdentity = Record<string, string | number | boolean>;

export interface InputEvent {
  /** Model time in nanoseconds. */
  at: number;
  input: Buffer;
}

/** How a run ended. */
export interface RunEnd {
  ended: string;
  instructions: number;
  /** SHA-256 of all that was printed. */
  console: string;
}

export interface Recording {
  identity: RunIdentity;
  input: InputEvent[];
  end: RunEnd | null;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function writeRecording(path: string, { identity, input, end }: Recording): void {
  const lines = [
    { lguest_boot: 1, ...identity },
    ...input.map((event) => ({ at: event.at, input: event.input.toString('hex') })),
    ...(end === null ? [] : [end]),
  ];
  writeFileSync(path, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
}

export function readRecording(path: string): Recording {
  let lines: unknown[];
  try {
    lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line));
  } catch (error) {
    throw new UsageError(`${path} is not a recording: ${messageOf(error)}`);
  }
  const recording: Recording = { identity: {}, input: [], end: null };
  for (const [index, line] of lines.entries()) {
    if (!readLine(recording, line)) throw new UsageError(`${path}:${index + 1} is not a line of a recording`);
  }
  if (recording.identity.lguest_boot !== 1) throw new UsageError(`${path} is not a recording`);
  delete recording.identity.lguest_boot;
  return recording;
}

function readLine(recording: Recording, line: unknown): boolean {
  if (typeof line !== 'object' || line === null) return false;
  const fields = new Map<string, unknown>(Object.entries(line));
  const at = fields.get('at');
  const input = fields.get('input');
  const instructions = fields.get('instructions');
  if (fields.has('lguest_boot')) {
    for (const [name, value] of fields) {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
      recording.identity[name] = value;
    }
    return true;
  }
  if (typeof at === 'number' && typeof input === 'string') {
    recording.input.push({ at, input: Buffer.from(input, 'hex') });
    return true;
  }
  if (typeof instructions !== 'number') return false;
  recording.end = {
    ended: String(fields.get('ended')),
    instructions,
    console: String(fields.get('console')),
  };
  return true;
}

/** Refuses to replay a recording of something else. */
export function requireSame(recorded: RunIdentity, now: RunIdentity): void {
  for (const [name, value] of Object.entries(now)) {
    if (recorded[name] !== value) {
      throw new UsageError(`the recording was made with ${name} ${String(recorded[name])}, not ${value}`);
    }
  }
}
