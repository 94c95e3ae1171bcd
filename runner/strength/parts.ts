// SPDX-License-Identifier: GPL-2.0-or-later

/** The parts of the reference whose strength is measured. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package.js';

export const PART_NAMES = ['host', 'processor'] as const;
export type PartName = (typeof PART_NAMES)[number];

interface Part {
  /** The least share of its mutants, equivalent ones aside, that the cases must kill. */
  threshold: number;
  /** Files that are not mutated, each with its reason. */
  except: Readonly<Record<string, string>>;
}

const CHECKER = 'the checker of chapter 23 is part of the judgement; isolation.test.ts says what it must see';
const LISTING = 'the bytes that NASM makes of the listing beside it; a test compares each of them';

export const PARTS: Readonly<Record<PartName, Part>> = {
  host: {
    threshold: 1,
    except: {
      'reference/host/isolation.ts': CHECKER,
      'reference/host/isolation-broken.ts': CHECKER,
      'reference/host/isolation-tables.ts': CHECKER,
      'reference/host/isolation-translations.ts': CHECKER,
      'reference/host/host-code-bytes.ts': LISTING,
      'reference/host/switcher-code.ts': LISTING,
      'reference/host/assemble.ts': 'it writes the modules of the listings and is not part of a host',
    },
  },
  processor: { threshold: 0.95, except: {} },
};

/** The files of a part that are mutated, from the root of the package. */
export function filesOf(name: PartName): string[] {
  const { except } = PARTS[name];
  const folder = `reference/${name}`;
  const files = readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const stale = Object.keys(except).find((file) => !files.includes(file));
  if (stale !== undefined)
    throw new Error(`${stale} is excepted in runner/strength/parts.ts, but there is no such file`);
  return files.filter((file) => except[file] === undefined).sort();
}

/** The part that a file belongs to. */
export function partOf(file: string): PartName {
  const name = PART_NAMES.find((part) => file.startsWith(`reference/${part}/`));
  if (name === undefined) throw new Error(`${file} belongs to no part whose strength is measured`);
  return name;
}
