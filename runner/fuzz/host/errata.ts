// SPDX-License-Identifier: GPL-2.0-or-later

/** Which erratum requires that the two profiles part as they do. What none of them explains is a mistake. */

import { isMap } from '../../cases/case.js';
import type { CaseResult, HostEvent, StepResult } from '../../protocol.js';
import type { Comparison, Said } from '../kind.js';
import { type HostFuzzCase, numberIn } from './case.js';
import { type Divergence, divergenceOf, openOutcome } from './compare.js';
import { TABLE_ERRATA } from './errata-tables.js';
import { type Explanation, Scene } from './scene.js';
import {
  hostWords,
  isBadRead,
  isCleanAndWritable,
  isUntold,
  PRESENT,
  shadowDifferences,
  USER,
  WRITABLE,
} from './signs.js';
import { eaxAtFork, isBehindInput, SYSTEM_ERRATA } from './system-errata.js';

/** Compares the profiles: a difference has to have its erratum. */
export function explained(
  { class: conformanceClass }: HostFuzzCase,
  reference: Said,
  other: Said,
): Comparison {
  const isLinux = reference.request.profile === 'linux-2.6.29';
  const [linux, hardened] = isLinux ? [reference, other] : [other, reference];
  if (linux.answer.kind !== 'result' || hardened.answer.kind !== 'result')
    throw new Error('an answer is missing');
  const [one, two] = [linux.answer.result, hardened.answer.result];
  const divergence =
    divergenceOf(conformanceClass, one, two, other.contestant.declaration) ?? openDivergence(one);
  if (divergence === undefined) return { kind: 'compared', differences: [] };
  const scene = new Scene(linux.request, { linux: one, hardened: two }, divergence);
  const by = errataOf(scene, explanationsOf(scene));
  return by === undefined
    ? { kind: 'compared', differences: divergence.differences }
    : { kind: 'explained', by };
}

/** A guest that has run may have done, by the same erratum as ever, what harms the original later. */
function explanationsOf(scene: Scene): readonly Explanation[] {
  if (openOutcome(scene.linux) === undefined) return EXPLANATIONS;
  return scene.hasRun ? [...OPEN, ...EXPLANATIONS] : OPEN;
}

/** What explains all the differences of a step: one erratum, or one and what shows in the tables beside it. */
function errataOf(scene: Scene, explanations: readonly Explanation[]): string | undefined {
  const beside = TABLE_ERRATA.find(({ table, holds }) => scene.differsIn(table) && holds(scene));
  if (beside === undefined) return explanations.find(({ holds }) => holds(scene))?.erratum;
  const rest = scene.without(beside.table);
  if (rest.paths.length === 0) return beside.erratum;
  const others = errataOf(rest, explanations);
  return others === undefined ? undefined : `${beside.erratum}, ${others}`;
}

/** The step in which the original harms its host. */
function openDivergence({ steps }: CaseResult): Divergence | undefined {
  const step = steps.findIndex((each) => openOutcome(each) !== undefined);
  const reason = steps[step] === undefined ? undefined : openOutcome(steps[step]);
  if (reason === undefined) return undefined;
  const differences = [{ path: 'outcome', label: 'outcome', actual: 'ok', expected: reason }];
  return { step, differences };
}

const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;
const GUEST_KERNEL = 1;

/** A general protection fault of which the host looks at the instruction. */
function isEmulated({ trap, hasRun }: Scene): boolean {
  return (
    !hasRun && numberIn(trap.regs, 'trapnum') === GENERAL_PROTECTION && numberIn(trap.regs, 'errcode') === 0
  );
}

const ofUser = ({ trap }: Scene): boolean => (numberIn(trap.regs, 'cs') & 3) !== GUEST_KERNEL;

/** Killed for the page that it has not told; without memory there is no text. */
const isOfGuestPage = (death: HostEvent | undefined): boolean =>
  death?.message === 'bad guest page (null)' || isUntold(death);

const deathIn = ({ events }: StepResult): HostEvent | undefined =>
  events.findLast(({ e }) => e === 'kill_guest' || e === 'kasprintf');

/** The host looks at an instruction whose second byte is on the next page. */
const crossesPage = (scene: Scene): boolean =>
  isEmulated(scene) && (numberIn(scene.trap.regs, 'eip') & 0xfff) === 0xfff;

function isDeadAfter(scene: Scene, step: StepResult): boolean {
  const { dead, dead_errno } = scene.after(step, 'lg');
  return typeof dead === 'string' || numberIn({ dead_errno: dead_errno ?? 0 }, 'dead_errno') !== 0;
}

/** A guest that has been killed, or was dead, ends the operation: nothing but the end of it comes after. */
function endsWithKill(scene: Scene): boolean {
  const stops = scene.parting.hardened === undefined || scene.parting.hardened.e === 'free_page';
  return stops && (scene.death !== undefined || scene.wasDead);
}

/** Deaths after which the original goes on, each with its erratum; all others are E-7 itself. */
const DEATHS: readonly (readonly [RegExp, string])[] = [
  [/^attempt to access switcher pages/, 'E-11'],
  [/^bad page (directory|table) entry|^large page/, 'E-12'],
  [/^Writing cr2/, 'E-14'],
  [/^bad stack segment|^bad stack pages/, 'E-82'],
  [/^too many gdt entries/, 'E-63'],
  [/^bad guest page|^bad syscall vector|before INIT$|^bad kernel address/, 'E-62'],
];

const ENDINGS: readonly Explanation[] = [
  ...DEATHS.map(
    ([text, erratum]): Explanation => ({
      erratum,
      holds: (scene) => text.test(scene.death ?? '') && endsWithKill(scene),
    }),
  ),
  {
    erratum: 'E-66',
    holds: (scene) =>
      RUNS.has(scene.op) && scene.parting.linux?.e === 'signal_pending' && endsWithKill(scene),
  },
  { erratum: 'E-7', holds: endsWithKill },
];

const RUNS = new Set(['run_guest', 'lguest_read']);

/** What IN sets in the original, and what it should set, with the erratum for the difference. */
const INPUTS: readonly (readonly [string, number, number])[] = [
  ['E-1', 0x0000ffff, 0x000000ff],
  ['E-2', 0xffff0000, 0x000000ff],
  ['E-5', 0xffffffff, 0x0000ffff],
];

/** EAX differs as IN of some width leaves it: what each profile sets is set, all else is the same. */
function isInput(one: unknown, two: unknown, linux: number, hardened: number): boolean {
  if (typeof one !== 'number' || typeof two !== 'number') return false;
  const untouched = ~(linux | hardened);
  return (
    ((one & linux) ^ linux) === 0 && ((two & hardened) ^ hardened) === 0 && ((one ^ two) & untouched) === 0
  );
}

/** EAX is all that differs, in the state or when the guest is entered again. */
function eaxOf(scene: Scene): readonly [unknown, unknown] | undefined {
  if (scene.hasRun) {
    const { fork } = scene;
    if (fork === undefined || !isBehindInput(fork)) return undefined;
    if (fork.linux !== undefined || fork.hardened !== undefined) return eaxAtFork(fork);
  } else if (!isEmulated(scene) || ofUser(scene)) return undefined;
  const { linux, hardened } = scene.parting;
  if (
    linux?.e === 'switch_to_guest' &&
    hardened?.e === 'switch_to_guest' &&
    isMap(linux.regs) &&
    isMap(hardened.regs)
  ) {
    const [one, two] = [linux.regs, hardened.regs];
    const differing = Object.keys(one).filter((name) => one[name] !== two[name]);
    return differing.length === 1 && differing[0] === 'eax' ? [one.eax, two.eax] : undefined;
  }
  if (!scene.paths.every((path) => path.endsWith('regs.eax'))) return undefined;
  return [scene.after(scene.linux, 'regs').eax, scene.after(scene.hardened, 'regs').eax];
}

const INPUT_ERRATA = INPUTS.map(
  ([erratum, linux, hardened]): Explanation => ({
    erratum,
    holds: (scene) => {
      const eax = eaxOf(scene);
      return eax !== undefined && isInput(eax[0], eax[1], linux, hardened);
    },
  }),
);

const STACK_PAGE = /^bad stack page (0x[0-9a-f]+)/;

/** The access that was not permitted: a fault, one that is asked about, or the write for which a stack page is pinned. */
function accessOf(scene: Scene): { address: number; errcode: number } | undefined {
  if (scene.op === 'demand_page') {
    return { address: numberIn(scene.args, 'vaddr'), errcode: numberIn(scene.args, 'errcode') };
  }
  const { hardened } = scene.parting;
  const [, pinned] = STACK_PAGE.exec(String(hardened?.message ?? '')) ?? [];
  if (pinned !== undefined) return { address: Number(pinned), errcode: WRITABLE };
  if (scene.hasRun) return undefined;
  const { regs, cr2 } = scene.trap;
  if (numberIn(regs, 'trapnum') === PAGE_FAULT) return { address: cr2, errcode: numberIn(regs, 'errcode') };
  // Without memory for a text it is one of the stack pages that the guest has.
  if (!isUntold(hardened)) return undefined;
  const top = numberIn(scene.after(scene.linux, 'cpu'), 'esp1');
  return { address: (top - 1) >>> 0, errcode: WRITABLE };
}

/** The guest's directory entry does not permit what its table entry permits. */
function lacksDirectoryRights(scene: Scene): boolean {
  const access = accessOf(scene);
  if (access === undefined) return false;
  const { address, errcode } = access;
  // A guest that has run dies of a stack page, in the directory that it has then.
  const entries = scene.hasRun
    ? [scene.directoryEntry(scene.hardened, address)]
    : scene.directoryEntries(address);
  const lacks = (right: number): boolean =>
    (errcode & right) !== 0 && entries.some((entry) => (entry & right) === 0);
  return lacks(WRITABLE) || lacks(USER);
}

const LHREQ_INITIALIZE = 0;
const LHREQ_BREAK = 3;
const EINVAL = -22;
const WORD = 4;

const requestOf = ({ args }: Scene): unknown => (Array.isArray(args.words) ? args.words[0] : undefined);

/** What only the original does: the hardened host refuses the call. */
const REFUSED: readonly Explanation[] = [
  {
    erratum: 'E-101',
    holds: (scene) => requestOf(scene) === LHREQ_INITIALIZE && scene.hardened.outcome.return === EINVAL,
  },
  {
    erratum: 'E-106',
    holds: ({ args, hardened }) => typeof args.offset === 'string' && hardened.outcome.return === EINVAL,
  },
  {
    erratum: 'E-105',
    holds: ({ op, args, hardened }) =>
      op === 'lguest_read' && numberIn(args, 'size') < WORD && hardened.outcome.return === EINVAL,
  },
];

/** Calls on the device. */
const DEVICE: readonly Explanation[] = [
  ...REFUSED,
  {
    erratum: 'E-100',
    holds: ({ parting }) => parting.hardened?.e === 'mmput' && parting.linux?.e !== 'mmput',
  },
  { erratum: 'E-103', holds: (scene) => requestOf(scene) === LHREQ_BREAK && scene.wasDead },
  { erratum: 'E-108', holds: (scene) => scene.op === 'lguest_close' && scene.only('file.structures') },
];

/** What came in between is looked at, and not slept upon. */
const LOST_WAKE_UP: Explanation = {
  erratum: 'E-140',
  holds: ({ parting }) => parting.linux?.e === 'schedule' && parting.hardened?.e === 'set_current_state',
};

/** The original harms its host, or hangs; be it that it has slept before. */
const OPEN: readonly Explanation[] = [
  ...REFUSED,
  {
    erratum: 'E-3',
    holds: (scene) => isEmulated(scene) && ofUser(scene) && isBadRead(deathIn(scene.linux)),
  },
  {
    erratum: 'E-6',
    holds: (scene) =>
      scene.linux.outcome.stop === 'host_bug' && (scene.wasDead || isDeadAfter(scene, scene.hardened)),
  },
  {
    erratum: 'E-63',
    holds: ({ linux, hardened }) =>
      linux.events.some(({ e, array }) => e === 'host_overflow' && array !== 'used_vectors') &&
      !hardened.events.some(({ e }) => e === 'host_overflow'),
  },
  {
    erratum: 'E-112',
    holds: ({ op, hardened }) => op === 'lguest_init' && hardened.outcome.return === EINVAL,
  },
  { erratum: 'E-82', holds: (scene) => scene.linux.outcome.stop === 'host_hang' },
  { erratum: 'E-4', holds: crossesPage },
  LOST_WAKE_UP,
];

const PGE = 0x80;

/** Values of CR4 by CPU, those of the original first. */
function keepsPgeOff(scene: Scene): boolean {
  const [ones, twos] = [scene.linux, scene.hardened].map((step) => hostWords(step, 'cr4'));
  return (
    ones !== undefined &&
    twos !== undefined &&
    ones.every((one, cpu) => one === twos[cpu] || (one & ~PGE) >>> 0 === twos[cpu])
  );
}

/** The same is done, in another order. */
function doTheSame({ linux, hardened }: Scene): boolean {
  const [one, two] = [linux, hardened].map(({ events }) =>
    events.map((event) => JSON.stringify(event)).sort(),
  );
  return JSON.stringify(one) === JSON.stringify(two);
}

/** The original registers the device when the hardened host still prepares itself; if that fails it has not prepared anything. */
function registersFirst(scene: Scene): boolean {
  const { op, parting, linux, hardened } = scene;
  if (op !== 'lguest_init' || parting.linux?.e !== 'misc_register') return false;
  if (parting.linux.ok === true) return scene.only('events') && doTheSame(scene);
  return scene.only('events', 'host', 'pages') && linux.outcome.return === hardened.outcome.return;
}

/** Loading and removing. */
const MODULE: readonly Explanation[] = [
  {
    erratum: 'E-30',
    holds: (scene) => /fini/.test(scene.op) && scene.only('host.cr4', 'events') && keepsPgeOff(scene),
  },
  {
    erratum: 'E-113',
    holds: (scene) => scene.op === 'lguest_fini' && scene.only('events') && doTheSame(scene),
  },
  { erratum: 'E-111', holds: registersFirst },
  {
    erratum: 'E-54',
    holds: (scene) =>
      scene.op === 'lguest_arch_host_init' && scene.only('host.default_idt_entries', 'pages', 'events'),
  },
];

const SHADOW_PTE = 'shadow.pte';

/** The host does not look at the guest's page tables of its own accord: neither for a fault nor to pin a stack. */
function isAnnounced(scene: Scene): boolean {
  if (!scene.hasRun) return accessOf(scene) === undefined && scene.op !== 'pin_stack_pages';
  const sinceEntry = scene.common.slice(scene.common.findLastIndex(({ e }) => e === 'switch_to_guest'));
  const isPinned = STACK_PAGE.test(String(scene.parting.hardened?.message ?? ''));
  return !sinceEntry.some(({ e }) => e === 'read_cr2') && !isPinned;
}

/** Shadow entries differ; a guest that has run goes on from there, so that it has to be where the profiles part. */
const hasTakenPage = ({ paths, hasRun, parting }: Scene): boolean =>
  paths.includes(SHADOW_PTE) && (!hasRun || parting.linux?.e === 'get_user_pages_fast');

/** Only the original kills for an entry, whose page it asks for nevertheless; without memory there is no text. */
function refusesEntry(scene: Scene): boolean {
  const { linux } = scene.parting;
  const next = scene.linux.events[scene.common.length + 1];
  const asksWithoutText = isUntold(linux) && next?.e === 'get_user_pages_fast';
  return (
    /^bad page table entry/.test(String(linux?.message ?? '')) || (asksWithoutText && isAnnounced(scene))
  );
}

/** Announced changes of page tables. */
const PAGE_TABLES: readonly Explanation[] = [
  {
    erratum: 'E-80',
    holds: (scene) => {
      const found = shadowDifferences(scene);
      return found.length > 0 && found.every(isCleanAndWritable) && scene.only('shadow');
    },
  },
  {
    erratum: 'E-81',
    holds: (scene) =>
      (scene.parting.linux?.e === 'get_user_pages_fast' && isAnnounced(scene)) ||
      refusesEntry(scene) ||
      (hasTakenPage(scene) && shadowDifferences(scene).every(({ one }) => (one & PRESENT) === 0)),
  },
];

/** The hardened host sets CR0.TS where there was nothing to save, and does all else as the original does. */
function setsTaskSwitched({ linux, hardened }: Scene): boolean {
  const { events } = hardened;
  const others = events.filter(({ e }, at) => e !== 'stts' || events[at - 1]?.e !== 'unlazy_fpu');
  return JSON.stringify(others) === JSON.stringify(linux.events);
}

/** There was no memory for the first state of the task's FPU, after which the hardened host turns interrupts off. */
function isWithoutState({ common, parting }: Scene): boolean {
  const last = common.at(-1);
  return last?.e === 'init_fpu' && last.ok === false && parting.hardened?.e === 'local_irq_disable';
}

const EXPLANATIONS: readonly Explanation[] = [
  ...DEVICE,
  ...MODULE,
  {
    erratum: 'E-141',
    holds: (scene) =>
      numberIn(scene.after(scene.linux, 'lg'), 'dead_errno') === -85 && isDeadAfter(scene, scene.hardened),
  },
  {
    erratum: 'E-3',
    holds: (scene) => isEmulated(scene) && ofUser(scene) && (scene.wasDead || isBadRead(scene.parting.linux)),
  },
  ...INPUT_ERRATA,
  { erratum: 'E-4', holds: crossesPage },
  {
    erratum: 'E-144',
    holds: (scene) => isOfGuestPage(deathIn(scene.hardened)) && scene.part('lg').lguest_data === null,
  },
  { erratum: 'E-10', holds: lacksDirectoryRights },
  ...ENDINGS,
  ...SYSTEM_ERRATA,
  LOST_WAKE_UP,
  { erratum: 'E-20', holds: (scene) => scene.only('host.cr0', 'events') && setsTaskSwitched(scene) },
  { erratum: 'E-21', holds: isWithoutState },
  ...PAGE_TABLES,
];
