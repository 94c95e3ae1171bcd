// SPDX-License-Identifier: GPL-2.0-or-later
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['reference/**/*.test.ts', 'runner/**/*.test.ts'],
    testTimeout: 60_000,
    // Many tests wait for programs that they have started: no core is kept free.
    maxWorkers: '100%',
  },
});
