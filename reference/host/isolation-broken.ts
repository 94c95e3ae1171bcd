// SPDX-License-Identifier: GPL-2.0-or-later

/* v8 ignore start -- @preserve: a fault of the reference, never the outcome of a case */
/** The host does not keep a promise of chapter 23. */
export class IsolationBroken extends Error {
  /** @param clause the promise */
  constructor(
    readonly clause: string,
    what: string,
  ) {
    super(`${clause} is broken: ${what}`);
    this.name = 'IsolationBroken';
  }
}
/* v8 ignore stop -- @preserve */
