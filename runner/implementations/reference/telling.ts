// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * How an answer tells the state after a step.
 *
 * `whole`: in the form of the protocol, all of it anew. `shared`: for a caller in this process. What is as it was before
 * the step is told by the very object that the caller gave (or was told after the step before), and memory by the runs
 * given, followed by what has changed. It means the same; but neither telling nor comparing it takes time.
 */
export type Telling = 'whole' | 'shared';
