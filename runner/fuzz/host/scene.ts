// SPDX-License-Identifier: GPL-2.0-or-later

import { type DataMap, isMap } from '../../cases/case.js';
import { hostStateOf } from '../../expand/frame.js';
import { MemoryImage } from '../../expand/image.js';
import {
  type CaseRequest,
  type CaseResult,
  type HostEvent,
  isObject,
  type StepResult,
} from '../../protocol.js';
import { numberIn } from './case.js';
import type { Divergence } from './compare.js';
import { type Fork, forkOf } from './course.js';
import { runsIn } from './guest.js';

/** The first step in which the two profiles part. */
export class Scene {
  readonly step: DataMap;
  readonly before: DataMap;
  readonly linux: StepResult;
  readonly hardened: StepResult;
  /** Where they differ, without addresses: `regs.eax`, `shadow.pte`, `memory`, `events`, ...; another guest than the step's with its place. */
  readonly paths: readonly string[];
  /** What both did before they parted. */
  readonly common: readonly HostEvent[];

  #fork: { found: Fork | undefined } | undefined;

  constructor(
    private readonly request: CaseRequest,
    private readonly results: { linux: CaseResult; hardened: CaseResult },
    private readonly divergence: Divergence,
  ) {
    const { linux, hardened } = results;
    const { step, differences } = divergence;
    const [one, two] = [linux.steps[step], hardened.steps[step]];
    if (one === undefined || two === undefined) throw new Error('a step has no answer');
    this.linux = one;
    this.hardened = two;
    this.step = dataOf(request.steps[step]);
    this.before = step === 0 ? hostStateOf(request) : dataOf(linux.steps[step - 1]?.state);
    const own = ownPlace(this.step);
    this.paths = [...new Set(differences.map(({ path }) => path.replace(/@.*|\.\d+$/, '').replace(own, '')))];
    let same = 0;
    while (same < one.events.length && isSame(one.events[same], two.events[same])) same++;
    this.common = one.events.slice(0, same);
  }

  get op(): string {
    return String(this.step.op);
  }

  get args(): DataMap {
    return dataOf(this.step.args);
  }

  /** The events in which they part; undefined where one of them does nothing more. */
  get parting(): { linux: HostEvent | undefined; hardened: HostEvent | undefined } {
    const at = this.common.length;
    return { linux: this.linux.events[at], hardened: this.hardened.events[at] };
  }

  /** Whether they differ nowhere but there. */
  only(...places: readonly string[]): boolean {
    return this.paths.every((path) =>
      places.some((place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`)),
    );
  }

  /** Whether they differ in one of the tables that the processor uses. */
  differsIn(table: string): boolean {
    return this.divergence.differences.some(({ path }) => path.includes(table));
  }

  /** The same scene as if they did not differ in one of those tables. */
  without(table: string): Scene {
    const { step, differences } = this.divergence;
    const rest = differences.filter(({ path }) => !path.includes(table));
    return new Scene(this.request, this.results, { step, differences: rest });
  }

  /** A part of the guest that the step is about, before it. */
  part(name: string): DataMap {
    return partOf(this.before, this.step, name);
  }

  /** The same after it, in one of the profiles. */
  after({ state }: StepResult, name: string): DataMap {
    return partOf(dataOf(state), this.step, name);
  }

  /** The text of the death that both have seen in this step; undefined: there was none. */
  get death(): string | undefined {
    const kill = this.common.findLast(({ e }) => e === 'kill_guest' || e === 'kasprintf');
    return kill === undefined ? undefined : String(kill.message ?? '');
  }

  get wasDead(): boolean {
    const { dead, dead_errno, restart } = this.part('lg');
    return (
      typeof dead === 'string' || (typeof dead_errno === 'number' && dead_errno !== 0) || restart === true
    );
  }

  /** The guest's registers and CR2 when they parted: the script says what the guest has brought back. */
  get trap(): { regs: DataMap; cr2: number } {
    const entries = this.common.filter(({ e }) => e === 'switch_to_guest');
    const entry = entries.at(-1);
    if (entry === undefined) {
      return { regs: this.part('regs'), cr2: numberIn(this.part('cpu'), 'last_pagefault') };
    }
    const script = scriptOf(this.request, this.step);
    const used = script.slice(0, entries.length);
    const cr2 = used.findLast((step) => step.cr2 !== undefined)?.cr2;
    const { regs } = used[entries.length - 1] ?? {};
    return {
      regs: { ...dataOf(entry.regs), ...(isMap(regs) ? regs : { trapnum: 32 }) },
      cr2: typeof cr2 === 'number' ? cr2 : numberIn(dataOf(this.before.host), 'cr2'),
    };
  }

  /** A double word of the guest's memory before the step, and after it in either profile. */
  private words(at: number): number[] {
    const states = [this.before, dataOf(this.linux.state), dataOf(this.hardened.state)];
    return states.map((state) => readIn(state, this.step, at));
  }

  /** What the guest's current page directory says of an address, before and after the step, which may have changed directories. */
  directoryEntries(address: number): number[] {
    const { hardened } = this;
    const before = directoryIn(this.part('lg'), this.part('cpu'));
    const after = directoryIn(this.after(hardened, 'lg'), this.after(hardened, 'cpu'));
    return [before, after].flatMap((directory) => this.words(directory + (address >>> 22) * 4));
  }

  /** What it says when a step has ended so. */
  directoryEntry(ended: StepResult, address: number): number {
    const directory = directoryIn(this.after(ended, 'lg'), this.after(ended, 'cpu'));
    return readIn(dataOf(ended.state), this.step, directory + (address >>> 22) * 4);
  }

  /** Class system: where the guest's own code goes another way; undefined where it does not. */
  get fork(): Fork | undefined {
    if (!this.hasRun) return undefined;
    this.#fork ??= { found: forkOf(this.request, this.divergence.step) };
    return this.#fork.found;
  }

  /** Class system, and the guest's own code has run in this step: only the fork says what it has done. */
  get hasRun(): boolean {
    return this.request.class === 'system' && this.common.some(({ e }) => e === 'switch_to_guest');
  }
}

/** An erratum and the signs of it. They are asked in their order, those that say more before those that say less. */
export interface Explanation {
  erratum: string;
  holds(scene: Scene): boolean;
}

/** Where class system tells of the guest and the virtual CPU that a step is about. */
function ownPlace(step: DataMap): RegExp {
  return new RegExp(`^guests\\[${numberIn(step, 'guest')}\\]\\.(vcpus\\[${numberIn(step, 'vcpu')}\\]\\.)?`);
}

/** Guest-physical address of the page directory that a virtual CPU uses. */
function directoryIn({ pgdirs }: DataMap, cpu: DataMap): number {
  const slot = Array.isArray(pgdirs) ? pgdirs[numberIn(cpu, 'cpu_pgd')] : undefined;
  return isMap(slot) ? numberIn(slot, 'gpgdir') : 0;
}

/** A value that came as JSON, as a map. */
function dataOf(value: unknown): DataMap {
  return isMap(value) ? value : {};
}

const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two);

function readIn(state: DataMap, step: DataMap, at: number): number {
  const guests = Array.isArray(state.guests) ? state.guests.filter(isMap) : [state];
  return MemoryImage.of(runsIn(guests[numberIn(step, 'guest')] ?? {})).read32(at);
}

function partOf(state: DataMap, step: DataMap, name: string): DataMap {
  if (!Array.isArray(state.guests)) return dataOf(state[name]);
  const guest = dataOf(state.guests[numberIn(step, 'guest')]);
  const vcpu = Array.isArray(guest.vcpus) ? dataOf(guest.vcpus[numberIn(step, 'vcpu')]) : {};
  return dataOf(vcpu[name] ?? guest[name]);
}

function scriptOf({ given }: CaseRequest, step: DataMap): DataMap[] {
  const script = step.script ?? (isObject(given) ? given.script : undefined);
  return Array.isArray(script) ? script.filter(isMap) : [];
}
