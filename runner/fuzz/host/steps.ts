// SPDX-License-Identifier: GPL-2.0-or-later

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import type { Random } from '../../generate/random.js';
import { interestingWord } from '../values.js';
import { type HostFuzzCase, mapIn } from './case.js';
import { ARGUMENTS, type Make, REGS } from './fields.js';
import { Guest } from './guest.js';

const MOST_STEPS = 5;
/** Guest instructions of a step of class system: enough for a hostile program, and quickly over. */
const INSTRUCTIONS = [40, 200, 1000];

/** A whole life; and what makes a guest, after which there may be none. */
const STANDS_ALONE = new Set(['run_launcher', 'init_guest_pagetable']);

/** Another operation after, in the place of, or in front of those that there are; or one less. */
export function changeSteps(entry: HostFuzzCase, random: Random): void {
  const { steps } = entry;
  const [first] = steps;
  if (first === undefined || steps.some(({ op }) => STANDS_ALONE.has(String(op)))) return;
  const fresh = (): DataMap => nextStep(entry, first, random);
  const at = random.below(steps.length);
  switch (random.below(5)) {
    case 0:
      steps[at] = fresh();
      break;
    case 1:
      steps.unshift(fresh());
      break;
    case 2:
      if (steps.length > 1) steps.splice(at, 1);
      break;
    default:
      steps.push(fresh());
  }
  if (steps.length > MOST_STEPS) steps.length = MOST_STEPS;
}

/** Operations that fit to a state follow from those that its case has: each kind of state has its own. */
function nextStep(entry: HostFuzzCase, first: DataMap, random: Random): DataMap {
  const { given } = entry;
  if (given.module !== undefined) return { op: random.pick(['lguest_init', 'lguest_fini']) };
  if (given.file !== undefined) return deviceCall(Guest.in(given, random), random);
  if (String(first.op).startsWith('lguest_arch_host_')) {
    return { op: random.pick(['lguest_arch_host_init', 'lguest_arch_host_fini']) };
  }
  const op = random.oneIn(3) ? String(first.op) : random.pick(Object.keys(ARGUMENTS));
  const step: DataMap = { ...parametersLike(first, random), op };
  const makers = ARGUMENTS[op];
  if (makers !== undefined && Object.keys(makers).length > 0) step.args = argumentsOf(makers, entry, random);
  return entry.class === 'system' ? { ...step, ...systemParameters(random) } : step;
}

function argumentsOf(
  makers: Readonly<Record<string, Make>>,
  { given }: HostFuzzCase,
  random: Random,
): DataMap {
  const guest = Guest.in(given, random);
  return Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, make(guest, random)]));
}

/** Which guest, and on which CPU, as in a step that there is; sometimes another. */
function parametersLike({ guest, vcpu, host_cpu }: DataMap, random: Random): DataMap {
  const one = (name: string, value: Data | undefined): DataMap =>
    value === undefined ? {} : { [name]: random.oneIn(3) ? random.below(2) : value };
  return { ...one('guest', guest), ...one('vcpu', vcpu), ...one('host_cpu', host_cpu) };
}

function systemParameters(random: Random): DataMap {
  const interrupts = Array.from({ length: random.below(3) }, (): DataMap => {
    const after = random.below(60);
    return random.oneIn(4) ? { after, nmi: true } : { after, vector: random.between(32, 255) };
  });
  const limit = { max_instructions: random.pick(INSTRUCTIONS) };
  return interrupts.length === 0 ? limit : { ...limit, interrupts };
}

/** A call on the launcher's device. */
function deviceCall(guest: Guest, random: Random): DataMap {
  const other: DataMap = random.oneIn(6) ? { other_task: true } : {};
  const offset = random.pick<Data>([0, 0, 0, 1, 0xffffffff, '0x100000000', '0x8000000000000000']);
  const access: DataMap = random.oneIn(10)
    ? { user_buffer_access: random.pick(['readonly', 'unmapped']) }
    : {};
  switch (random.below(6)) {
    case 0:
      return { op: random.pick(['lguest_close', 'lguest_open']) };
    case 1:
    case 2:
      return {
        op: 'lguest_read',
        args: { offset, size: random.pick([4, 4, 0, 3, 128, 1023]), ...other },
        ...access,
      };
    default:
      return {
        op: 'lguest_write',
        args: { offset, words: requestWords(guest, random), ...other },
        ...access,
      };
  }
}

/** INITIALIZE, IRQ, BREAK, or no request at all, with all words, too few, or too many. */
function requestWords(guest: Guest, random: Random): number[] {
  const words = random.pick([
    [
      0,
      random.pick([0x10000000, 0x10000001, 0xbffff000, 0]),
      random.pick([0x40, 0x100, 0, 0xfffff]),
      guest.virtual(),
    ],
    [2, random.pick([0, 1, 5, 31, 32])],
    [3, random.below(2)],
    [random.below(6), interestingWord(random)],
  ]);
  return random.oneIn(8) ? words.slice(0, random.below(words.length)) : words;
}

/** What the guest brings back from an entry, or what happens while the task sleeps. */
export function changeScript(entry: HostFuzzCase, random: Random): void {
  if (entry.class !== 'host') return;
  const name = random.pick(['script', 'script', 'script', 'schedule_script', 'freeze_script']);
  const { given } = entry;
  const list = Array.isArray(given[name]) ? given[name] : [];
  given[name] = list;
  if (list.length > 0 && random.oneIn(3)) {
    const step = random.pick(list);
    if (isMap(step)) Object.assign(mapIn(step, 'regs'), someRegisters(entry, random));
    return;
  }
  list.splice(random.below(list.length + 1), 0, scriptStep(name, entry, random));
  if (list.length > MOST_STEPS) list.length = MOST_STEPS;
}

const PLACES: Readonly<Record<string, string>> = {
  script: 'switch_to_guest',
  schedule_script: 'schedule',
  freeze_script: 'try_to_freeze',
};

function scriptStep(name: string, entry: HostFuzzCase, random: Random): DataMap {
  const step: DataMap = { at: PLACES[name] ?? 'switch_to_guest' };
  if (name === 'script') step.regs = someRegisters(entry, random);
  if (random.oneIn(3)) step.cr2 = Guest.in(entry.given, random).virtual();
  if (random.oneIn(3)) step.irq = random.below(32);
  if (random.oneIn(5)) step.timer = true;
  if (random.oneIn(6)) step.signal = true;
  if (random.oneIn(6)) step.break_out = 1;
  if (random.oneIn(6)) step.host_cpu = random.below(2);
  return step;
}

function someRegisters({ given }: HostFuzzCase, random: Random): DataMap {
  const guest = Guest.in(given, random);
  const names = [
    'trapnum',
    'errcode',
    ...Array.from({ length: random.below(4) }, () => random.pick(Object.keys(REGS))),
  ];
  return Object.fromEntries(names.map((name) => [name, REGS[name]?.(guest, random) ?? 0]));
}

/** Another value for one argument of one step. */
export function changeArgument(entry: HostFuzzCase, random: Random): void {
  const step = random.pick(entry.steps);
  const { args } = step;
  if (!isMap(args) || Object.keys(args).length === 0) return;
  const name = random.pick(Object.keys(args));
  const make = ARGUMENTS[String(step.op)]?.[name];
  if (make !== undefined) step.args = { ...args, [name]: make(Guest.in(entry.given, random), random) };
}

/** Other interrupts from outside, or another limit, for a step of class system. */
export function changeSystemParameters(entry: HostFuzzCase, random: Random): void {
  const step = random.pick(entry.steps);
  if (entry.class === 'system' && step.op !== 'run_launcher') Object.assign(step, systemParameters(random));
}
