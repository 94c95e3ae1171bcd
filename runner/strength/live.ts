// SPDX-License-Identifier: GPL-2.0-or-later

import type { MutantResult } from '@stryker-mutator/api/core';
import type { Reporter } from '@stryker-mutator/api/report';
import { Sources } from './mutant.js';

/** Tells each survivor as soon as it is known: a full run takes hours. */
export class LiveSurvivors implements Reporter {
  private readonly sources = new Sources();

  onMutantTested(result: Readonly<MutantResult>): void {
    const { name, fate, at } = this.sources.view(result);
    if (fate === 'survived') console.log(`survived ${name.file}:${at.line}:${at.column} ${name.mutant}`);
  }
}
