// SPDX-License-Identifier: GPL-2.0-or-later

/** What the processor says of itself, and which instructions it has: chapter 05, "Models". */

/** Bits of the feature word (leaf 1, EDX): SYS-15. */
export const Feature = {
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

/** What the first processor with conditional moves brought besides, and no bit tells of: RDPMC and the NOP with ModRM. */
export const FAMILY_6 = Feature.conditionalMoves;

/** A processor of a certain age. */
export interface ProcessorModel {
  /** Family in bits 8 to 11, model in bits 4 to 7, stepping in bits 0 to 3. */
  signature: number;
  features: number;
}

/** An i486DX2: the FPU is all that its feature word has. */
const FEATURES_486 = Feature.fpu;
const FEATURES_PENTIUM =
  FEATURES_486 |
  Feature.virtual8086Extensions |
  Feature.debuggingExtensions |
  Feature.pageSizeExtension |
  Feature.timeStampCounter |
  Feature.modelSpecificRegisters |
  Feature.cmpxchg8b;
/** A Pentium II with FXSAVE. */
const FEATURES_P6 =
  FEATURES_PENTIUM |
  Feature.sysenter |
  Feature.pageGlobalEnable |
  Feature.conditionalMoves |
  Feature.mmx |
  Feature.fxsaveAndFxrstor;

/** By the names that a user chooses them by. */
export const MODELS = {
  '486-like': { signature: 0x435, features: FEATURES_486 },
  'pentium-like': { signature: 0x52c, features: FEATURES_PENTIUM },
  /** Model 3, stepping 3 of family 6: the first with a SYSENTER that software trusts. */
  'p6-like': { signature: 0x633, features: FEATURES_P6 },
} as const satisfies Readonly<Record<string, ProcessorModel>>;

export type ModelName = keyof typeof MODELS;

/** The one that has everything. */
export const DEFAULT_MODEL: ModelName = 'p6-like';

const HIGHEST_LEAF = 1;
/** "GenuineIntel", four letters to a register, in the order EBX, EDX, ECX. */
const VENDOR = { ebx: 0x756e6547, edx: 0x49656e69, ecx: 0x6c65746e } as const;

/** EAX, ECX, EDX and EBX of a leaf. Beyond the highest leaf the highest one answers. */
export function cpuidLeaf({ signature, features }: ProcessorModel, leaf: number): readonly number[] {
  if (leaf === 0) return [HIGHEST_LEAF, VENDOR.ecx, VENDOR.edx, VENDOR.ebx];
  return [signature, 0, features, 0];
}
