/** Mutation testing (docs/TESTING.md). Started by run.mjs, which says what is mutated. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './tests/mutation/ignore-prose.mjs'],
  ignorers: ['prose'],
  vitest: { configFile: 'tests/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  reporters: ['json'],
  jsonReporter: { fileName: process.env['MUTATION_REPORT'] ?? '.stryker/report.json' },
  tempDirName: '.stryker-tmp',
  // Read only to be rewritten with TypeScript's API, which TypeScript 7 does not have.
  tsconfigFile: 'none.json',
  ignorePatterns: ['.stryker', 'dist', 'bench', 'demo', 'docs', 'examples'],
};
