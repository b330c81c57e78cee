export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'tests/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  mutate: ['src/format/**/*.ts'],
  reporters: ['clear-text', 'progress', 'json'],
  // Read only to be rewritten with TypeScript's API, which TypeScript 7 does not have.
  tsconfigFile: 'none.json',
  tempDirName: '.stryker-tmp',
  jsonReporter: { fileName: '.stryker/report.json' },
  incremental: true,
  incrementalFile: '.stryker/incremental.json',
  ignorePatterns: ['.stryker', 'dist', 'bench', 'demo', 'docs', 'examples'],
};
