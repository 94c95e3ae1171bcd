// SPDX-License-Identifier: GPL-2.0-or-later

import { accessSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { messageOf } from '../../message-of.js';
import { isObject } from '../../protocol.js';
import { CannotStart } from '../implementation.js';

const CURE =
  'npm install v86 in the folder you run this from, or name the folder of the package in LGUEST_CONFORMANCE_V86';

/** The installed npm package v86: its version and where its WebAssembly module is. */
export interface V86Package {
  version: string;
  module: string;
}

/** Reads the package named by LGUEST_CONFORMANCE_V86, else the one of the current folder; throws `CannotStart`. */
export function v86Package(): V86Package {
  const folder = process.env.LGUEST_CONFORMANCE_V86 ?? installedFolder();
  try {
    const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const version = isObject(description) ? String(description.version) : 'unknown';
    const module = join(folder, 'build', 'v86.wasm');
    accessSync(module);
    return { version, module };
  } catch (error) {
    throw new CannotStart(`${folder} is not the npm package v86: ${messageOf(error)}`, CURE);
  }
}

function installedFolder(): string {
  try {
    const main = createRequire(join(process.cwd(), 'package.json')).resolve('v86');
    return dirname(dirname(main));
  } catch {
    throw new CannotStart('the npm package v86 is not installed', CURE);
  }
}
