// SPDX-License-Identifier: GPL-2.0-or-later

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../message-of.js';
import { packageRoot } from '../package.js';
import { print } from '../report/output.js';
import { checkNames } from '../select.js';
import { ExitCode, UsageError } from '../usage.js';

/** Writes the template of a language into a folder, and says what to do with it. */
export function init(folder: string, language: string): number {
  const templates = join(packageRoot, 'templates');
  checkNames('template', [language], readdirSync(templates));
  try {
    if (existsSync(folder) && readdirSync(folder).length > 0) {
      throw new UsageError(`${folder} is not empty: nothing of yours is written over`);
    }
    mkdirSync(folder, { recursive: true });
    cpSync(join(templates, language), folder, { recursive: true });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot write into ${folder}: ${messageOf(error)}`);
  }
  print(`${folder}: ${readdirSync(folder).sort().join(', ')}. In that folder:\n`);
  print(readFileSync(join(folder, 'README.md'), 'utf8').trimEnd());
  return ExitCode.conforms;
}
