// SPDX-License-Identifier: GPL-2.0-or-later

/** What the processor says of itself. Time and identity are fixed, so that two runs are alike. */

/** Bits of the feature word (leaf 1, EDX): SYS-15. */
const Feature = {
  fpu: 1 << 0,
  virtual8086Extensions: 1 << 1,
  debuggingExtensions: 1 << 2,
  pageSizeExtension: 1 << 3,
  timeStampCounter: 1 << 4,
  modelSpecificRegisters: 1 << 5,
  cmpxchg8b: 1 << 8,
  sysenter: 1 << 11,
  pageGlobalEnable: 1 << 13,
  conditionalMoves: 1 << 15,
  mmx: 1 << 23,
  fxsaveAndFxrstor: 1 << 24,
} as const;

const FEATURES = Object.values(Feature).reduce((all, bit) => all | bit, 0);

/** Family 6, model 3, stepping 3: the first with a SYSENTER that software trusts. */
const SIGNATURE = 0x633;

const HIGHEST_LEAF = 1;
/** "GenuineIntel", four letters to a register, in the order EBX, EDX, ECX. */
const VENDOR = { ebx: 0x756e6547, edx: 0x49656e69, ecx: 0x6c65746e } as const;

/** EAX, ECX, EDX and EBX of a leaf. Beyond the highest leaf the highest one answers. */
export function cpuidLeaf(leaf: number): readonly number[] {
  if (leaf === 0) return [HIGHEST_LEAF, VENDOR.ecx, VENDOR.edx, VENDOR.ebx];
  return [SIGNATURE, 0, FEATURES, 0];
}
