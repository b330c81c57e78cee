/** The tests that the mutants of one folder are run against: in Node, quick, run one by one. */
import { env } from 'node:process';
import { defineConfig } from 'vitest/config';

/** Codecs are pure: what only a crash of the store shows is not tested well. */
const TESTS: Record<string, string[]> = {
  format: ['tests/unit/format/**/*.test.ts'],
  blockstore: ['tests/unit/**/*.test.ts', 'tests/sim/**/*.test.ts'],
  recovery: ['tests/unit/**/*.test.ts', 'tests/sim/**/*.test.ts'],
};

export default defineConfig({
  test: {
    include: TESTS[env['MUTATED_FOLDER'] ?? ''] ?? [],
    // These try the simulation itself, which is not mutated.
    exclude: ['tests/sim/{conformance,medium,users,determinism,crash-points,faults}.test.ts'],
    environment: 'node',
    bail: 1,
  },
});
