// SPDX-License-Identifier: GPL-2.0-or-later

import type { MutantResult } from '@stryker-mutator/api/core';
import type { MutationTestingPlanReadyEvent, Reporter } from '@stryker-mutator/api/report';

/** Who is told; Stryker makes the reporter itself and hands it nothing. */
let listener: (results: readonly MutantResult[]) => void = () => {};

export function onWholeFile(told: typeof listener): void {
  listener = told;
}

/** Stryker's reporter that tells of each file as soon as all of its mutants have been tried. */
export class WholeFiles implements Reporter {
  private readonly expected = new Map<string, number>();
  private readonly tried = new Map<string, MutantResult[]>();

  onMutationTestingPlanReady({ mutantPlans }: MutationTestingPlanReadyEvent): void {
    for (const { mutant } of mutantPlans) {
      this.expected.set(mutant.fileName, (this.expected.get(mutant.fileName) ?? 0) + 1);
    }
  }

  onMutantTested(result: MutantResult): void {
    const { fileName } = result;
    const own = [...(this.tried.get(fileName) ?? []), result];
    this.tried.set(fileName, own);
    if (own.length === this.expected.get(fileName)) listener(own);
  }
}
