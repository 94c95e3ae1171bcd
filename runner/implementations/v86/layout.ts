// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Where v86 keeps its processor in the memory of its WebAssembly module: byte offsets, the same in every version since
 * 2021. v86's own JavaScript half has them in its class `CPU`.
 */
export const LAYOUT = {
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI: double words. */
  general: 64,
  /** Which flags are still to be computed from the last result; 0: EFLAGS is as stored. */
  flagsPending: 100,
  eflags: 120,
  /** A byte for each segment register: type, S, DPL, P. */
  accessBytes: 512,
  /** EIP with the base of CS added. */
  linearEip: 556,
  previousLinearEip: 560,
  idtrLimit: 564,
  idtrBase: 568,
  gdtrLimit: 572,
  gdtrBase: 576,
  /** CR0 to CR7: double words. */
  control: 580,
  level: 612,
  halted: 616,
  /** The page of the last fetch; -1: none. */
  fetchPage: 620,
  sysenterCs: 636,
  sysenterEsp: 640,
  sysenterEip: 644,
  instructionCounter: 664,
  selectors: 668,
  isNull: 724,
  bases: 736,
  limits: 768,
  protectedMode: 800,
  wideCode: 804,
  wideStack: 808,
  memorySize: 812,
  wideTss: 1128,
} as const;

/** v86 numbers the segment registers as machine code does, and TR and LDTR after them. */
export const SEGMENT_ORDER = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'tr', 'ldtr'] as const;
