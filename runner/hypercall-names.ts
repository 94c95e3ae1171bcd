// SPDX-License-Identifier: GPL-2.0-or-later

/** Names of the hypercalls, by number; the others have none. */
export const HYPERCALL_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'FLUSH_ASYNC'],
  [1, 'LGUEST_INIT'],
  [2, 'SHUTDOWN'],
  [3, 'LOAD_GDT'],
  [4, 'NEW_PGTABLE'],
  [5, 'FLUSH_TLB'],
  [6, 'LOAD_IDT_ENTRY'],
  [7, 'SET_STACK'],
  [8, 'TS'],
  [9, 'SET_CLOCKEVENT'],
  [10, 'HALT'],
  [14, 'SET_PTE'],
  [15, 'SET_PMD'],
  [16, 'LOAD_TLS'],
  [17, 'NOTIFY'],
]);
