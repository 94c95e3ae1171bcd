// SPDX-License-Identifier: GPL-2.0-or-later

/** The story of one case on the reference, for a person to read. */

import type { HostObserver } from '../../../reference/host/kernel.js';
import type {
  InstructionTrace,
  InterruptionTrace,
  ProcessorObserver,
  Registers,
} from '../../../reference/processor/interface.js';
import { type CaseRequest, type CaseResult, GENERAL_REGISTERS, type Profile } from '../../protocol.js';
import { runHostCase } from './host.js';
import { runProcessorCase } from './processor.js';
import { runSystemCase } from './system.js';

export interface Story {
  lines: string[];
  result: CaseResult;
}

/** Runs the case and writes down what host and processor do. Throws what the reference throws. */
export function narrate(request: CaseRequest, profile: Profile): Story {
  const narrator = new Narrator(request.class === 'system');
  const result = runWith(narrator, request, profile);
  narrator.end();
  return { lines: narrator.lines, result };
}

function runWith(narrator: Narrator, request: CaseRequest, profile: Profile): CaseResult {
  switch (request.class) {
    case 'processor':
      return runProcessorCase(request, 'whole', narrator);
    case 'host':
      return runHostCase(request, profile, 'whole', narrator);
    case 'system':
      return runSystemCase(request, profile, 'whole', { host: narrator, processor: narrator });
  }
}

const BYTES_WIDTH = 24;
const MNEMONIC_WIDTH = 8;
/** A story longer than this is cut: its end is what the case is about, and its beginning how it got there. */
const LONGEST = 400;

class Narrator implements HostObserver, ProcessorObserver {
  readonly lines: string[] = [];
  private before: Registers | undefined;
  private hidden = 0;

  /** @param foldsHost whether instructions of privilege level 0, those of host and Switcher, are only counted */
  constructor(private readonly foldsHost: boolean) {}

  note(clause: string, sentence: string): void {
    this.unfold();
    this.add(`${clause.padEnd(MNEMONIC_WIDTH)} ${sentence}`);
  }

  instruction(trace: InstructionTrace, registers: () => Registers): void {
    const now = registers();
    this.changes(now);
    if (this.foldsHost && trace.cpl === 0) {
      this.hidden++;
      return;
    }
    this.unfold();
    this.before = now;
    const bytes = trace.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const place = `${hex(trace.cs, 4)}:${hex(trace.eip)}`;
    this.add(
      `level ${trace.cpl}  ${place}  ${bytes.padEnd(BYTES_WIDTH)} ${trace.mnemonic.padEnd(MNEMONIC_WIDTH)}`,
    );
  }

  interruption(trace: InterruptionTrace): void {
    this.unfold();
    const code = trace.error_code === undefined ? '' : `, error code ${hex(trace.error_code, 4)}`;
    const address = trace.cr2 === undefined ? '' : `, CR2 ${hex(trace.cr2)}`;
    this.add(
      `  -> ${trace.source} ${trace.vector} at ${hex(trace.cs, 4)}:${hex(trace.eip)}, level ${trace.cpl}${code}${address}`,
    );
    this.before = undefined;
  }

  end(): void {
    this.unfold();
  }

  /** What the instruction before this one did to the registers. */
  private changes(now: Registers): void {
    const { before } = this;
    this.before = undefined;
    if (before === undefined) return;
    const changed = [...GENERAL_REGISTERS, 'eflags' as const]
      .filter((name) => before[name] !== now[name])
      .map((name) => `${name} ${hex(before[name])} -> ${hex(now[name])}`);
    if (changed.length > 0) this.add(`            ${changed.join(', ')}`);
  }

  private unfold(): void {
    if (this.hidden > 0) this.add(`level 0  ${this.hidden} instructions of host and Switcher`);
    this.hidden = 0;
  }

  private add(line: string): void {
    this.lines.push(line.trimEnd());
    if (this.lines.length === LONGEST + 1) this.lines.splice(LONGEST / 2, 1, '...');
    else if (this.lines.length > LONGEST + 1) this.lines.splice(LONGEST / 2 + 1, 1);
  }
}

function hex(value: number, digits = 8): string {
  return value.toString(16).padStart(digits, '0');
}
