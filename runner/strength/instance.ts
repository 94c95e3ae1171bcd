// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * The reference out of the sandbox, as often as it is wanted: one script, of which each mutant gets an instance of its own.
 * Tables that are built when a module is loaded are mutated like everything else, and nothing that a mutant leaves behind
 * (decoded instructions, images of hosts, registers) reaches the next one.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { buildSync } from 'esbuild';
import type { Answer } from '../implementations/implementation.js';
import type { Telling } from '../implementations/reference/telling.js';
import type { CaseRequest, Declaration, Profile } from '../protocol.js';

const ENTRY = 'runner/implementations/reference/index.ts';

/** The arguments of the function that the script gives. */
const PARAMETERS = 'require, importMetaUrl, active, hit, counts';

/** Stryker's marks in the code, each with the numbers of its mutants: "covered" and "is it active?". */
const COVERED = /\bstryCov_9fa48\d*\(("\d+"(?:,\s*"\d+")*)\)/g;
const IS_ACTIVE = /\bstryMutAct_9fa48\d*\("(\d+)"\)/g;

interface Implementation {
  start(): Promise<Declaration>;
  run(request: CaseRequest): Answer;
}

type MakeReference = (
  require: NodeJS.Require,
  importMetaUrl: string,
  active: number,
  hit: () => boolean,
  counts: Uint32Array,
) => { ReferenceImplementation: new (profile: Profile, telling: Telling) => Implementation };

/** One instance of the reference. */
export class Reference {
  private readonly known = new Map<Profile, Implementation>();

  constructor(private readonly module: ReturnType<MakeReference>) {}

  implementation(profile: Profile): Implementation {
    // As `run` asks it: nobody sees the answers.
    const known = this.known.get(profile) ?? new this.module.ReferenceImplementation(profile, 'shared');
    this.known.set(profile, known);
    return known;
  }
}

/** The reference of a sandbox. Stryker's own marks call functions and count in objects; these are several times faster. */
export class ReferenceScript {
  /** The mutants that are covered where a mark stands, by the number of the mark. */
  readonly mutantsOfMark: number[][] = [];
  private readonly covering: MakeReference;
  private readonly mutating: MakeReference;
  private readonly require = createRequire(import.meta.url);
  private readonly url: string;

  constructor(sandbox: string) {
    this.url = pathToFileURL(join(sandbox, ENTRY)).href;
    const text = bundle(sandbox);
    this.covering = compiled(
      text.replace(IS_ACTIVE, 'false').replace(COVERED, (_, ids: string) => `(counts[${this.mark(ids)}]++)`),
    );
    this.mutating = compiled(text.replace(COVERED, '0').replace(IS_ACTIVE, '(active === $1 && hit())'));
  }

  /** An instance without mutation that counts, by mark, how often it has come there. */
  unmutated(counts: Uint32Array): Reference {
    return new Reference(this.covering(this.require, this.url, -1, () => false, counts));
  }

  /** An instance with one mutation, from the moment it is loaded. `hit` is told each time it is come to. */
  mutated(mutant: number, hit: () => boolean): Reference {
    return new Reference(this.mutating(this.require, this.url, mutant, hit, new Uint32Array(0)));
  }

  private mark(ids: string): number {
    this.mutantsOfMark.push(ids.split(',').map((id) => Number(id.replaceAll('"', ''))));
    return this.mutantsOfMark.length - 1;
  }
}

function bundle(sandbox: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [ENTRY],
    absWorkingDir: sandbox,
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'reference',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: `(function (${PARAMETERS}) { "use strict";` },
    footer: { js: 'return reference; })' },
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`there is nothing to build in ${sandbox}`);
  return file.text;
}

function compiled(text: string): MakeReference {
  return new Script(text, { filename: 'reference.js' }).runInThisContext() as MakeReference;
}
