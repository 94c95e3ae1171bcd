// SPDX-License-Identifier: GPL-2.0-or-later

/** What no guest can bring about. A state that has it proves nothing: whoever falls over it is not wrong. */

import { type Data, type DataMap, isMap } from '../../cases/case.js';
import { truth } from '../../expand/host.js';
import type { Random } from '../../generate/random.js';
import { type HostFuzzCase, numberIn } from './case.js';
import { ARGUMENTS } from './fields.js';
import { Guest, registersIn } from './guest.js';

const IF = 0x200;
const IOPL_AND_VM = 0x23000;
const LEVEL = 3;
const GUEST_KERNEL = 1;
const ENTERS = new Set(['run_guest', 'lguest_arch_run_guest', 'lguest_read']);

/** Changes what mutations have brought about and no guest could. */
export function makePossible(entry: HostFuzzCase, random: Random): void {
  if (entry.steps.some(({ op }) => String(op) in ARGUMENTS)) giveDirectories(entry, random);
  for (const { lg } of Guest.all(entry.given, random)) agreeOnDeath(lg);
  stayOnCpus(entry);
  if (!runsGuests(entry)) return;
  makeReady(entry);
  for (const { regs } of Guest.all(entry.given, random)) {
    regs.eflags = ((numberIn(regs, 'eflags') & ~IOPL_AND_VM) | IF) >>> 0;
    if ((numberIn(regs, 'cs') & LEVEL) === 0) regs.cs = (numberIn(regs, 'cs') | GUEST_KERNEL) >>> 0;
  }
}

const USUAL_CPUS = 2;

/** No task is on a CPU that the host does not have. */
function stayOnCpus({ given, steps }: HostFuzzCase): void {
  const host = isMap(given.host) ? given.host : {};
  const cpus = host.nr_cpu_ids === undefined ? USUAL_CPUS : numberIn(host, 'nr_cpu_ids');
  const scripts = [given, ...steps].flatMap(({ script }) =>
    Array.isArray(script) ? script.filter(isMap) : [],
  );
  for (const place of [host, ...steps, ...scripts]) {
    if (numberIn(place, 'host_cpu') >= cpus) place.host_cpu = cpus - 1;
  }
}

const ERESTART = -85;

/** A guest is dead of a text, or of an error, one of which asks for a restart. */
function agreeOnDeath(lg: DataMap): void {
  const error = numberIn(lg, 'dead_errno');
  if (error !== 0) delete lg.dead;
  if (error !== 0 || lg.restart !== undefined) lg.restart = error === ERESTART;
}

const agrees = ({ lg }: DataMap): boolean => {
  if (!isMap(lg)) return true;
  const error = numberIn(lg, 'dead_errno');
  return (lg.restart === true) === (error === ERESTART) && (error === 0 || typeof lg.dead !== 'string');
};

/** Whether an input that was made simpler is one that a guest can bring about. */
export function isPossible(entry: HostFuzzCase): boolean {
  const { guests } = entry.given;
  const owners = Array.isArray(guests) ? guests.filter(isMap) : [entry.given];
  if (entry.steps.length === 0 || !owners.every(agrees)) return false;
  return !runsGuests(entry) || (registersIn(entry.given).every(canRun) && isReady(entry));
}

/** In class system the registers are those that a processor has saved. */
const runsGuests = (entry: HostFuzzCase): boolean =>
  entry.class === 'system' &&
  entry.given.file === undefined &&
  entry.steps.some(({ op }) => ENTERS.has(String(op)));

/** It is interrupted with interrupts on, without rights to ports, not in virtual-8086 mode, and never at level 0. */
function canRun(regs: DataMap): boolean {
  const eflags = numberIn(regs, 'eflags');
  return (eflags & IF) !== 0 && (eflags & IOPL_AND_VM) === 0 && (numberIn(regs, 'cs') & LEVEL) !== 0;
}

const INITIALISE = 'lguest_arch_host_init';
const REMOVE = 'lguest_arch_host_fini';
const RUN = 'run_guest';
/** What `run_guest` does with a guest that is alive, which only it looks at. */
const ENTER = 'lguest_arch_run_guest';
const PGE = 0x80;

/** A flag of the host that is set unless given. */
const isSet = ({ host }: DataMap, name: string): boolean => !isMap(host) || truth(host[name] ?? true);

/**
 * A guest runs on a host that is ready: while there is one the module cannot be removed, before there was one it was loaded, and
 * that only once. Whatever has been done to a guest may have killed it. The processor that runs it has SYSENTER, and says so.
 */
function makeReady(entry: HostFuzzCase): void {
  const { given } = entry;
  const isLoaded = isSet(given, 'initialised');
  const loading = isLoaded ? [] : [{ op: INITIALISE }];
  const steps = [...loading, ...entry.steps.filter(({ op }) => op !== INITIALISE)];
  const removal = steps.findIndex(({ op }) => op === REMOVE);
  const kept = steps.filter(({ op }, at) => removal < 0 || at <= removal || !ENTERS.has(String(op)));
  entry.steps = kept.map((step, at) =>
    step.op === ENTER && !isFirst(kept, at) ? { ...step, op: RUN } : step,
  );
  if (!isMap(given.host)) return;
  delete given.host.feature_sep;
  if (!hasPossiblePge(given)) {
    given.host.cr4 = wordsOf(given.host.cr4).map((cr4) => (cr4 & ~PGE) >>> 0);
  }
}

/** Whether a step is the first that is about its guest. */
function isFirst(steps: readonly DataMap[], at: number): boolean {
  const guestOf = ({ guest }: DataMap): number => Number(guest ?? 0);
  const step = steps[at];
  return (
    step !== undefined &&
    steps.slice(0, at).every((earlier) => earlier.op === INITIALISE || guestOf(earlier) !== guestOf(step))
  );
}

function isReady({ given, steps }: HostFuzzCase): boolean {
  const removal = steps.findIndex(({ op }) => op === REMOVE);
  const loading = steps.filter(({ op }) => op === INITIALISE).length;
  const isLoadedOnce = isSet(given, 'initialised')
    ? loading === 0
    : loading === 1 && steps[0]?.op === INITIALISE;
  const isKept = removal < 0 || !steps.slice(removal).some(({ op }) => ENTERS.has(String(op)));
  const isAlive = steps.every(({ op }, at) => op !== ENTER || isFirst(steps, at));
  return isLoadedOnce && isKept && isAlive && isSet(given, 'feature_sep') && hasPossiblePge(given);
}

/** CR4.PGE is on where the processors have it, and until the host has turned it off. */
function hasPossiblePge(given: DataMap): boolean {
  const { host } = given;
  if (!isMap(host) || wordsOf(host.cr4).every((cr4) => (cr4 & PGE) === 0)) return true;
  return isSet(given, 'feature_pge') && !isSet(given, 'initialised');
}

const wordsOf = (list: Data | undefined): number[] => (Array.isArray(list) ? list.map(Number) : []);

/** No virtual CPU is without a shadow directory. */
function giveDirectories({ given }: HostFuzzCase, random: Random): void {
  for (const guest of Guest.all(given, random)) {
    const slots = guest.slots();
    if (slots.includes(numberIn(guest.cpu, 'cpu_pgd'))) continue;
    if (slots.length > 0) guest.cpu.cpu_pgd = random.pick(slots);
    else guest.lg.pgdirs = Array.from({ length: 4 }, () => ({ gpgdir: guest.directory, allocated: true }));
  }
}
