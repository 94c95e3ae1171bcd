// SPDX-License-Identifier: GPL-2.0-or-later
import { defineConfig } from 'vitest/config';

/** What the cases alone reach of the reference: no unit test counts here. */
export default defineConfig({
  test: {
    include: ['runner/conformance.test.ts'],
    testTimeout: 120_000,
    coverage: {
      enabled: true,
      provider: 'v8',
      include: ['reference/host/**/*.ts', 'reference/processor/**/*.ts'],
      exclude: [
        '**/*.test.ts',
        '**/testing/**',
        'reference/host/assemble.ts',
        // The checker of chapter 23: what it does when a promise is broken no case may reach; isolation.test.ts does.
        'reference/host/isolation*.ts',
      ],
      reporter: ['text', 'json-summary'],
      thresholds: {
        'reference/host/**': { lines: 98, branches: 98 },
        'reference/processor/**': { lines: 98, branches: 98 },
      },
    },
  },
});
