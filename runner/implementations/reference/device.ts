// SPDX-License-Identifier: GPL-2.0-or-later

/** The open file of a case on the launcher's device, and the operations on it. */

import type { Kernel } from '../../../reference/host/kernel.js';
import { LAUNCHER_TASK } from '../../../reference/host/kernel.js';
import { LguestFile } from '../../../reference/host/launcher-interface.js';
import { PAGE_SIZE, Physical } from '../../../reference/host/layout.js';
import { LgCpu, Lguest } from '../../../reference/host/state.js';
import { flagAt, MalformedCase, type Tree, treeAt, treesAt, wordAt, wordsAt } from './fields.js';
import type { Returned } from './operations.js';

const OTHER_TASK = LAUNCHER_TASK + 1;
const UNMAPPED = 2;

/** The open file, and the guest whose state is told while the file has none: all its fields are zero. */
export interface Device {
  file: LguestFile;
  noGuest: Lguest;
  /** Opens the device anew: the launcher has closed the file, or been started again. */
  open(): LguestFile;
}

/** The parts of a machine that calls on the device are about. */
export interface MachineWithDevice {
  kernel: Kernel;
  guests: Lguest[];
  /** The open file of a case on the launcher's device. */
  device: Device | null;
}

/** Opens the file of a case that has the key `file`. */
export function openFile(machine: MachineWithDevice, given: Tree): Device | null {
  if (given.file === undefined) return null;
  const tree = treeAt(given, 'file');
  const [guest] = machine.guests;
  if (guest === undefined) throw new MalformedCase('a case with a file has a guest, or the memory for one');
  const { kernel } = machine;
  const virtualCpus = machine.guests.reduce((sum, { cpus }) => sum + cpus.length, 0);
  const archAt = Physical.virtualCpus + virtualCpus * 2 * PAGE_SIZE;
  const open = (): LguestFile => new LguestFile(guest.host, guest.launcher, archAt);
  const file = open();
  if (!flagAt(tree, 'guest', true)) return { file, noGuest: guest, open };
  file.lg = guest;
  const owner = flagAt(tree, 'other_task_owns') ? OTHER_TASK : LAUNCHER_TASK;
  for (const cpu of guest.cpus) cpu.tsk = owner;
  kernel.lguest_structures = wordAt(tree, 'structures', 1);
  kernel.mm_users = wordAt(tree, 'mm_users', 1 + guest.cpus.length);
  return { file, noGuest: zeroGuest(guest, archAt + 2 * PAGE_SIZE), open };
}

/** A guest of which everything is zero, in the same memory of the launcher. */
function zeroGuest({ host, launcher }: Lguest, archAt: number): Lguest {
  const zero = new Lguest(host, launcher);
  zero.mem_base = 0;
  zero.cpus.push(new LgCpu(zero, archAt));
  return zero;
}

/** What an answer says of the file. */
export function describeFile({ file }: Device, kernel: Kernel) {
  return {
    guest: file.lg !== null,
    other_task_owns: file.lg?.cpus[0]?.tsk === OTHER_TASK,
    mm_users: kernel.mm_users,
    structures: kernel.lguest_structures,
  };
}

type DeviceOperation = (device: Device, kernel: Kernel, args: Tree) => Returned;

/** The system calls on the file. */
export const DEVICE_OPERATIONS: Record<string, DeviceOperation> = {
  lguest_write: ({ file }, kernel, args) => {
    // Of a buffer that is not mapped no word can be read.
    const words = kernel.failures.user_buffer_access === UNMAPPED ? [] : wordsAt(args, 'words');
    return { return: file.write(taskOf(args), offsetOf(args), words) };
  },
  lguest_read: ({ file }, _kernel, args) => {
    const { result, bytes } = file.read(taskOf(args), offsetOf(args), wordAt(args, 'size'));
    return { return: result, bytes: Buffer.from(bytes).toString('hex') };
  },
  lguest_close: ({ file }) => ({ return: file.close() }),
  lguest_open: (device) => {
    device.file = device.open();
    return { return: 0 };
  },
};

/** Carries out a call on the file; the guest that the case sees is then the file's. */
export function callDevice(machine: MachineWithDevice, op: string, args: Tree): Returned {
  const operation = DEVICE_OPERATIONS[op];
  const { device } = machine;
  if (operation === undefined || device === null)
    throw new MalformedCase(`${op} needs a case that has a file`);
  try {
    return operation(device, machine.kernel, args);
  } finally {
    machine.guests[0] = device.file.lg ?? device.noGuest;
  }
}

/** The virtual CPU that a call on the file is about. */
export function cpuOfCall({ file }: Device, args: Tree): LgCpu | null {
  return file.lg?.cpus[offsetOf(args)] ?? file.lg?.cpus[0] ?? null;
}

/** What other tasks do while this one sleeps: whether a signal ends the sleep. */
export function whileAsleep(machine: MachineWithDevice, step: Tree): boolean {
  for (const call of treesAt(step, 'meanwhile')) {
    if (flagAt(call, 'signal')) return true;
    callDevice(machine, String(call.op), treeAt(call, 'args'));
  }
  return false;
}

function taskOf(args: Tree): number {
  return flagAt(args, 'other_task') ? OTHER_TASK : LAUNCHER_TASK;
}

/** A file offset: an unsigned word, or 64 bits in hex, of which the highest is the sign. */
function offsetOf(args: Tree): number {
  const { offset } = args;
  if (typeof offset !== 'string') return wordAt(args, 'offset');
  if (!/^0x[0-9a-f]{1,16}$/i.test(offset)) throw new MalformedCase(`offset is not a number: ${offset}`);
  const signed = BigInt.asIntN(64, BigInt(offset));
  // Of an offset that a number cannot hold, that it is high and its low half are all that can count.
  return Number(signed > Number.MAX_SAFE_INTEGER ? BigInt.asUintN(32, signed) + 2n ** 32n : signed);
}

// ------------------------------------------------------------------------------------- what fails in one step

const ACCESSES: readonly unknown[] = ['writable', 'readonly', 'unmapped'];

/** Lets the services fail that the step names, and no others: what the case says of all steps holds for the rest. */
export function setStepFailures(kernel: Kernel, host: Tree, step: Tree): void {
  const of = (key: string): Tree => (step[key] === undefined ? host : step);
  const { failures } = kernel;
  failures.get_zeroed_page = wordsAt(of('get_zeroed_page_fails'), 'get_zeroed_page_fails');
  failures.kasprintf = flagAt(of('kasprintf_fails'), 'kasprintf_fails');
  failures.kzalloc = flagAt(of('kzalloc_fails'), 'kzalloc_fails');
  failures.user_buffer_access = accessAt(of('user_buffer_access'));
}

/** How the launcher's buffer can be accessed, as a number or by name. */
function accessAt(tree: Tree): number {
  const access = tree.user_buffer_access;
  if (typeof access !== 'string') return wordAt(tree, 'user_buffer_access');
  const number = ACCESSES.indexOf(access);
  if (number < 0) throw new MalformedCase(`user_buffer_access is not ${access}`);
  return number;
}
