// SPDX-License-Identifier: GPL-2.0-or-later

/** What the signs of several errata have in common. */

import { isMap } from '../../cases/case.js';
import type { HostEvent, StepResult } from '../../protocol.js';
import { numberIn } from './case.js';
import type { Scene } from './scene.js';

export const PRESENT = 1;
export const WRITABLE = 2;
export const USER = 4;
const DIRTY = 0x40;

const BAD_READ = /^(Bad address|bad read address)/;

/** Whether a guest dies of a walk of its page tables or of a read of its memory; without memory there is no text. */
export const isBadRead = (event: HostEvent | undefined): boolean =>
  event?.e === 'kasprintf' || BAD_READ.test(String(event?.message ?? ''));

/** Killed without a text, since there is no memory for one. */
export const isUntold = (event: HostEvent | undefined): boolean =>
  event?.e === 'kasprintf' && event.ok === false;

/** A shadow entry that a profile has and the other has not, or has otherwise. */
export interface ShadowDifference {
  vaddr: number;
  /** The flags in the original. */
  one: number;
  /** The flags in the hardened host. */
  two: number;
}

/** Shadow entries in which the answers to a step differ. */
export function shadowDifferences(
  scene: Scene,
  linux: StepResult = scene.linux,
  hardened: StepResult = scene.hardened,
): ShadowDifference[] {
  const [ones, twos] = [shadowFlags(scene, linux), shadowFlags(scene, hardened)];
  const places = new Map([...ones, ...twos]);
  return [...places]
    .map(([place, { vaddr }]) => ({
      vaddr,
      one: ones.get(place)?.flags ?? 0,
      two: twos.get(place)?.flags ?? 0,
    }))
    .filter(({ one, two }) => one !== two);
}

function shadowFlags(scene: Scene, step: StepResult): Map<string, { vaddr: number; flags: number }> {
  const { pte } = scene.after(step, 'shadow');
  const entries = (Array.isArray(pte) ? pte : []).filter(isMap);
  return new Map(
    entries.map((entry) => {
      const [vaddr, flags] = [numberIn(entry, 'vaddr'), numberIn(entry, 'flags')];
      return [`${entry.pgdir} ${vaddr}`, { vaddr, flags }];
    }),
  );
}

/** E-80: the original shows a page as writable that is clean. */
export const isCleanAndWritable = ({ one, two }: ShadowDifference): boolean =>
  (one ^ two) === WRITABLE && (one & WRITABLE) !== 0 && (one & DIRTY) === 0;

/** A list of words of the host's state. */
export function hostWords({ state: { host } }: StepResult, name: string): number[] {
  const list = isMap(host) ? host[name] : undefined;
  return Array.isArray(list) ? list.map(Number) : [];
}
