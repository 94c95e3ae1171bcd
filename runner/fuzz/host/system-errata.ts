// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Class system: a guest runs on after the profiles have parted. An erratum is the cause only if it shows at the fork itself, in
 * the last thing that the guest did in both and in what came next in each.
 */

import { isMap } from '../../cases/case.js';
import type { Interrupted, Moment } from '../../implementations/reference/guest-course.js';
import type { StepResult } from '../../protocol.js';
import { numberIn } from './case.js';
import type { Fork } from './course.js';
import type { Explanation, Scene } from './scene.js';
import {
  hostWords,
  isBadRead,
  isCleanAndWritable,
  PRESENT,
  shadowDifferences,
  USER,
  WRITABLE,
} from './signs.js';

const Vector = { deviceNotAvailable: 7, notPresent: 11, generalProtection: 13, pageFault: 14 } as const;
const ERROR_CODES = [8, 10, 11, 12, 13, 14, 17];
const FIRST_EXTERNAL = 32;
const GUEST_KERNEL = 1;
const LEVEL = 3;

/** The signs of an erratum at a fork. */
type Sign = (fork: Fork, scene: Scene) => boolean;

const atFork =
  (holds: Sign): Explanation['holds'] =>
  (scene) =>
    scene.fork !== undefined && holds(scene.fork, scene);

const isException = (moment: Moment | undefined, vector: number): moment is Interrupted =>
  moment?.kind === 'interruption' && moment.source === 'exception' && moment.vector === vector;

/** The host looks at an instruction of the guest kernel. */
const isEmulated = (moment: Moment): boolean =>
  isException(moment, Vector.generalProtection) &&
  moment.error_code === 0 &&
  (moment.cs & LEVEL) === GUEST_KERNEL;

/** A user program's general protection fault, of which the host looks at the instruction. */
const isBadWalk: Sign = ({ last }, { parting }) =>
  isException(last, Vector.generalProtection) &&
  last.error_code === 0 &&
  (last.cs & LEVEL) !== GUEST_KERNEL &&
  isBadRead(parting.linux);

/** An instruction of the guest kernel whose second byte is on the next page. */
const crossesPage: Sign = ({ last }) => isEmulated(last) && (last.eip & 0xfff) === 0xfff;

const DPL = 0x6000;
const GATE_TYPE = 0x0f00;
const INTERRUPT_GATE = 0x0e00;
const GDT_PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const GATE_ERROR = 2;

/** INT of a vector whose gate only the original opens: in the hardened host it ends in a general protection fault. */
const closesGate =
  (isMeant: (vector: number) => boolean): Sign =>
  ({ last, hardened, before }, scene) => {
    if (last.kind !== 'interruption' || last.source !== 'software' || !isMeant(last.vector)) return false;
    const gate = secondWord(scene.after(before.linux, 'idt')[last.vector]);
    const isOpen = (gate & GATE_TYPE) === INTERRUPT_GATE && (gate & DPL) !== 0;
    return (
      isOpen &&
      isException(hardened, Vector.generalProtection) &&
      hardened.error_code === last.vector * 8 + GATE_ERROR
    );
  };

const secondWord = (entry: unknown): number => (Array.isArray(entry) ? Number(entry[1]) : 0);

/** A system descriptor of the guest's is not present in the hardened host. */
const hidesDescriptor: Sign = ({ hardened, before }, scene) => {
  if (!isException(hardened, Vector.notPresent)) return false;
  const code = hardened.error_code ?? 0;
  const descriptor = secondWord(scene.after(before.hardened, 'gdt')[code >>> 3]);
  return (code & 7) === 0 && (descriptor & GDT_PRESENT) !== 0 && (descriptor & CODE_OR_DATA) === 0;
};

/** Whether the guest's directory entry, as it is in an answer, does not permit what has led to a page fault. */
function isForbidden(fault: Interrupted, scene: Scene, answer: StepResult): boolean {
  const entry = scene.directoryEntry(answer, fault.cr2 ?? 0);
  const wanted = (fault.error_code ?? 0) & (WRITABLE | USER);
  return (entry & PRESENT) !== 0 && (entry & wanted) !== wanted;
}

/** The hardened host refuses what the directory entry does not permit. */
const lacksRights: Sign = ({ last, before }, scene) =>
  isException(last, Vector.pageFault) && isForbidden(last, scene, before.linux);

/** The same for a fault that both tell the guest in the end: only the original has made a table for it before. */
const makesTable: Sign = ({ common }, scene) => {
  const reads = scene.common.filter(({ e }) => e === 'read_cr2').length;
  const isAfterFault = scene.common.at(-2)?.e === 'read_cr2';
  if (!isAfterFault || scene.parting.linux?.e !== 'get_zeroed_page') return false;
  const fault = common.filter((moment) => isException(moment, Vector.pageFault))[reads - 1];
  return fault !== undefined && isForbidden(fault, scene, scene.linux);
};

/** Only the hardened host sees the first write to a page that is clean. */
const writesCleanPage: Sign = ({ hardened, before }, scene) => {
  if (!isException(hardened, Vector.pageFault)) return false;
  const isWrite = ((hardened.error_code ?? 0) & WRITABLE) !== 0;
  const page = ((hardened.cr2 ?? 0) & ~0xfff) >>> 0;
  const differences = shadowDifferences(scene, before.linux, before.hardened);
  return isWrite && differences.some((found) => found.vaddr === page && isCleanAndWritable(found));
};

const TS = 8;

/** Nobody owns the FPU and CR0.TS is clear: only the hardened host has set it when the guest asked, before it used the FPU. */
const trapsFpu: Sign = ({ hardened, before }, scene) => {
  if (!isException(hardened, Vector.deviceNotAvailable)) return false;
  const { host } = before.linux.state;
  const task = isMap(host) && isMap(host.task) ? host.task : {};
  const cpu = numberIn(isMap(host) ? host : {}, 'host_cpu');
  const [one, two] = [hostWords(before.linux, 'cr0')[cpu] ?? 0, hostWords(before.hardened, 'cr0')[cpu] ?? 0];
  const wasWanted = scene.common.some(({ e }) => e === 'unlazy_fpu');
  return wasWanted && numberIn(task, 'usedfpu') === 0 && (one & TS) === 0 && two === (one | TS) >>> 0;
};

/**
 * The last that the guest has done in both profiles is an IN that was emulated. Others may have come to nothing since, being
 * undefined or on a page that is not there.
 */
export function isBehindInput({ common }: Fork): boolean {
  const begun = common.findLastIndex(({ kind }) => kind === 'instruction');
  return common.slice(begun + 1).some(isEmulated);
}

/** EAX in both profiles, when nothing else differs as the next instruction is executed. */
export function eaxAtFork({ linux, hardened }: Fork): readonly [number, number] | undefined {
  if (linux?.kind !== 'instruction' || hardened?.kind !== 'instruction') return undefined;
  const { eax: one, ...ones } = linux.registers;
  const { eax: two, ...twos } = hardened.registers;
  const isElsewhereTheSame =
    JSON.stringify(ones) === JSON.stringify(twos) && linux.linear === hardened.linear;
  return isElsewhereTheSame && one !== undefined && two !== undefined ? [one, two] : undefined;
}

/** Where the guest's own code runs, what the profiles let it do is seen in what becomes of it. */
export const SYSTEM_ERRATA: readonly Explanation[] = [
  { erratum: 'E-3', holds: atFork(isBadWalk) },
  { erratum: 'E-4', holds: atFork(crossesPage) },
  { erratum: 'E-56', holds: atFork(closesGate((vector) => ERROR_CODES.includes(vector))) },
  { erratum: 'E-59', holds: atFork(closesGate((vector) => vector >= FIRST_EXTERNAL)) },
  { erratum: 'E-120', holds: atFork(hidesDescriptor) },
  { erratum: 'E-10', holds: atFork(lacksRights) },
  { erratum: 'E-10', holds: atFork(makesTable) },
  { erratum: 'E-80', holds: atFork(writesCleanPage) },
  { erratum: 'E-20', holds: atFork(trapsFpu) },
];
