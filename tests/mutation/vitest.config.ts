/** The tests that run.mjs chose for what is mutated. */
import { env } from 'node:process';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: (env['MUTATION_TESTS'] ?? '').split(' '),
    environment: 'node',
    setupFiles: ['tests/mutation/setup.ts'],
    // A mutant may be slow, and what is mutated is slower than what is not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    bail: 1,
  },
});
