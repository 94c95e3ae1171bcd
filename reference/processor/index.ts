// SPDX-License-Identifier: GPL-2.0-or-later

export { DEFAULT_MODEL, MODELS, type ModelName } from './cpuid.js';
export * from './interface.js';
export { PhysicalMemory } from './memory.js';
export { createProcessor } from './processor.js';
