// SPDX-License-Identifier: GPL-2.0-or-later

import { type CaseBody, type DataMap, type Expectation, isMap, type Step } from '../cases/case.js';
import type { HostEvent } from '../protocol.js';

/** One line of cases/recorded/host; the format is explained in cases/recorded/README.md. */
export interface HostVector {
  op: string;
  given: DataMap;
  then: DataMap;
}

export function hostBody(vector: HostVector): CaseBody {
  switch (vector.op) {
    case 'host_init_fini':
      return initFini(vector);
    case 'lguest_arch_run_guest_sequence':
      return runSequence(vector);
    case 'dev_lguest_sequence':
      return deviceSequence(vector);
    default:
      return oneOperation(vector);
  }
}

const STATE_KEYS = [
  'regs',
  'cpu',
  'lg',
  'gdt',
  'idt',
  'shadow',
  'memory',
  'pages',
  'user_buffer',
  'script_used',
];

function oneOperation({ op, given, then }: HostVector): CaseBody {
  const { args, ...machine } = given;
  const state: DataMap = {};
  for (const key of STATE_KEYS) {
    const value = then[key];
    if (value !== undefined) state[key] = value;
  }
  const expected: Expectation = {
    outcome: String(then.outcome),
    state,
    events_exactly: eventsOf(then.events),
    pool_and_clock: true,
    // The recorder looked at this CPU's pages in some files only, and never at the host's own registers.
    unspecified: machine.pages === undefined ? ['pages', 'host'] : ['host'],
  };
  if (typeof then.return === 'number') expected.return = then.return;
  if (typeof then.bytes === 'string') expected.bytes = then.bytes;
  return { given: machine, steps: [{ op, parameters: args === undefined ? {} : { args }, expected }] };
}

function eventsOf(events: unknown): HostEvent[] {
  return Array.isArray(events) ? events.filter(isMap).map((event) => ({ ...event, e: String(event.e) })) : [];
}

/** Loading and unloading: each function is a step; the answer's `host` has what was recorded beside the pages. */
function initFini({ given, then }: HostVector): CaseBody {
  const operations = Array.isArray(given.sequence) ? given.sequence.map(String) : [];
  const recorded = Array.isArray(then.steps) ? then.steps.filter(isMap) : [];
  const host = isMap(given.host) ? given.host : {};
  const steps = operations.map((op, index): Step => {
    const { outcome, events, pages, ...hostState } = recorded[index] ?? {};
    // The recorder's host had been initialised once before the sequence; a new one has no entry point before that.
    if (!operations.slice(0, index + 1).includes('lguest_arch_host_init')) delete hostState.lguest_entry;
    const state: DataMap = { host: hostState };
    if (Array.isArray(pages)) state.pages = pages;
    return {
      op,
      parameters: {},
      expected: {
        outcome: String(outcome),
        state,
        events_exactly: eventsOf(events),
        // Not recorded: what else the host's registers hold, the pages after removal, the default IDT of later lines.
        unspecified: ['host.cr0', 'host.cr2', 'host.sysenter_cs', 'host.task', ...unrecordedPages(pages)],
      },
    };
  });
  return { given: { host: { ...host, initialised: false } }, steps };
}

function unrecordedPages(pages: unknown): string[] {
  if (!Array.isArray(pages)) return ['pages'];
  return pages.every((page) => isMap(page) && page.guest_idt !== undefined) ? [] : ['pages[*].guest_idt'];
}

/** Several guests and host CPUs in turn: each entry is a step that names its guest, virtual CPU and host CPU. */
function runSequence({ given, then }: HostVector): CaseBody {
  const runs = Array.isArray(given.runs) ? given.runs.filter(isMap) : [];
  const recorded = Array.isArray(then.runs) ? then.runs.filter(isMap) : [];
  const steps = runs.map((run, index): Step => {
    const { events, pages_changed, changed, last_pages } = recorded[index] ?? {};
    const hostCpu = Number(run.host_cpu);
    const vcpu = `guests[${run.guest}].vcpus[${run.vcpu}]`;
    const cpu: DataMap = { changed: changed ?? 0, last_pages: last_pages ?? null };
    return {
      op: 'lguest_arch_run_guest',
      parameters: { ...run },
      expected: {
        outcome: 'ok',
        state: {
          pages: sparse(hostCpu, isMap(pages_changed) ? pages_changed : {}),
          guests: sparse(Number(run.guest), { vcpus: sparse(Number(run.vcpu), { cpu }) }),
        },
        events_exactly: eventsOf(events),
        // Of the guests only these two words of the virtual CPU were recorded, and of the pages those of this host CPU.
        compared: [`pages[${hostCpu}]`, `${vcpu}.cpu.changed`, `${vcpu}.cpu.last_pages`],
      },
    };
  });
  const { runs: _, ...machine } = given;
  return { given: machine, steps };
}

/** A list that says something of one element only: null stands for "as before". */
function sparse(index: number, element: DataMap): (DataMap | null)[] {
  const list: (DataMap | null)[] = Array.from({ length: index }, () => null);
  list.push(element);
  return list;
}

/** System calls on one open file of the launcher's device: each is a step. Of the state only the buffer was recorded. */
function deviceSequence({ given, then }: HostVector): CaseBody {
  const { calls: _, ...machine } = given;
  const calls = Array.isArray(given.calls) ? given.calls.filter(isMap) : [];
  const recorded = Array.isArray(then.calls) ? then.calls.filter(isMap) : [];
  const steps = recorded.map((answer, index): Step => {
    const { call, offset, words, size, other_task, ...surroundings } = calls[index] ?? {};
    const args: DataMap = {};
    for (const [name, value] of Object.entries({ offset, words, size, other_task })) {
      if (value !== undefined) args[name] = value;
    }
    const expected: Expectation = {
      outcome: String(answer.outcome),
      state: {},
      events_exactly: eventsOf(answer.events),
      pool_and_clock: true,
      compared: [],
    };
    if (typeof answer.return === 'number') expected.return = answer.return;
    if (typeof answer.buffer === 'string') expected.bytes = answer.buffer;
    // A read without a script is ended by a signal as soon as it looks for one.
    return { op: `lguest_${call}`, parameters: { script: [], ...surroundings, args }, expected };
  });
  return { given: { ...machine, file: { guest: false } }, steps };
}
