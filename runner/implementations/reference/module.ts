// SPDX-License-Identifier: GPL-2.0-or-later

/** The module of a case about its loading and removal. */

import { PAGE_SIZE, Physical } from '../../../reference/host/layout.js';
import { lguestFini, lguestInit, ModuleSurroundings } from '../../../reference/host/module.js';
import { switcherPtePage } from '../../../reference/host/shadow-page-tables.js';
import type { Host } from '../../../reference/host/state.js';
import { SWITCHER_IMAGE } from '../../../reference/host/switcher-image.js';
import type { PhysicalMemory } from '../../../reference/processor/memory.js';
import { rangesOf } from '../../expand/ranges.js';
import { flagAt, MalformedCase, type Tree, treeAt, wordAt, wordsAt } from './fields.js';
import type { Returned } from './operations.js';

/** What surrounds the module of a case that has the key `module`: it has not been loaded yet. */
export function moduleSurroundings(given: Tree): ModuleSurroundings | null {
  if (given.module === undefined) return null;
  const tree = treeAt(given, 'module');
  const around = new ModuleSurroundings();
  around.paravirt_enabled = flagAt(tree, 'paravirt_enabled');
  around.fixaddr_start = wordAt(tree, 'fixaddr_start', around.fixaddr_start);
  around.vm_area_fails = flagAt(tree, 'vm_area_fails');
  around.map_vm_area_error = errorAt(tree, 'map_vm_area_error');
  around.misc_register_error = errorAt(tree, 'misc_register_error');
  for (const vector of wordsAt(tree, 'used_vectors')) around.used_vectors.add(vector);
  return around;
}

/** The parts of a machine that loading is about. */
export interface MachineWithModule {
  host: Host;
  /** What surrounds the module in a case in which it is loaded. */
  module: ModuleSurroundings | null;
}

type ModuleOperation = (host: Host, around: ModuleSurroundings) => Returned;

/** Loading and removing the module. */
export const MODULE_OPERATIONS: Record<string, ModuleOperation> = {
  lguest_init: (host, around) => ({ return: lguestInit(host, around) }),
  lguest_fini: (host, around) => {
    lguestFini(host, around);
    return {};
  },
};

export function callModule({ host, module }: MachineWithModule, op: string): Returned {
  const operation = MODULE_OPERATIONS[op];
  if (operation === undefined || module === null)
    throw new MalformedCase(`${op} needs a case that has a module`);
  return operation(host, module);
}

/** A negated error number. */
function errorAt(tree: Tree, key: string): number {
  const value = tree[key];
  return typeof value === 'number' ? value | 0 : 0;
}

/** What an answer says of the module. */
export function describeModule({ memory, kernel }: Host, around: ModuleSurroundings) {
  const { text } = SWITCHER_IMAGE;
  const inWindow = memory.bytes.subarray(Physical.switcherText, Physical.switcherText + text.length);
  const window = entryFlags(memory, Physical.hostSwitcherTable);
  return {
    window,
    text_copied: '0' in window && Buffer.compare(inWindow, text) === 0,
    guest_windows: kernel.onlineCpus().map((hostCpu) => entryFlags(memory, switcherPtePage(hostCpu))),
    device_registered: around.device_registered,
    vectors_in_use: rangesOf(around.used_vectors),
  };
}

/** The flags of the entries of a page table that are not zero, by index. */
function entryFlags(memory: PhysicalMemory, table: number): Record<string, number> {
  const flags: Record<string, number> = {};
  for (let at = 0; at < PAGE_SIZE; at += 4) {
    const entry = memory.read32(table + at);
    if (entry !== 0) flags[at / 4] = entry & 0xfff;
  }
  return flags;
}
