/**
 * Plants each bug of bugs.mjs in turn and demands that the tests named for it fail, by a failed
 * expectation and not because the planted source does not load. First the null control: the same
 * tests, without a bug, pass.
 *
 *   npm run planted                  all of them
 *   npm run planted -- fence reclaim those whose name has one of these words in it
 */
import { createVitest } from 'vitest/node';
import { BUGS } from './bugs.mjs';
import { planted, plantingPlugin } from './plant.mjs';

/** What a mistake in the planting itself, rather than the bug, would throw. */
const MISTAKES = new Set(['SyntaxError', 'ReferenceError', 'TypeError']);

/** @typedef {import('./bugs.mjs').Bug} Bug */
/** @typedef {{ tests: number, failures: { test: string, name: string, message: string }[] }} Run */

/**
 * @param {Pick<Bug, 'tests' | 'only'>} what
 * @param {import('vite').Plugin[]} plugins
 * @returns {Promise<Run>}
 */
async function runTests({ tests, only }, plugins) {
  const vitest = await createVitest(
    'test',
    {
      config: false,
      watch: false,
      include: [...tests],
      ...(only && { testNamePattern: only }),
      environment: 'node',
      // However busy the machine is; a bug may make a test hang.
      testTimeout: 30_000,
      reporters: [{}],
      bail: plugins.length > 0 ? 1 : 0,
    },
    { plugins },
  );
  const exitCode = process.exitCode;
  try {
    const { testModules, unhandledErrors } = await vitest.start();
    const [unhandled] = unhandledErrors;
    if (unhandled) throw new Error('An error that no test caught.', { cause: unhandled });
    /** @type {Run} */
    const run = { tests: 0, failures: [] };
    for (const module of testModules) {
      const [broken] = module.errors();
      if (broken) throw new Error(`${module.relativeModuleId} does not load: ${broken.message}`);
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed' || result.state === 'failed') run.tests++;
        if (result.state !== 'failed') continue;
        const { name = 'Error', message } = result.errors[0] ?? { message: '' };
        run.failures.push({ test: `${module.relativeModuleId} > ${test.fullName}`, name, message });
      }
    }
    return run;
  } finally {
    await vitest.close();
    // A failed test is what is wanted here.
    process.exitCode = exitCode;
  }
}

/**
 * @param {Bug} bug
 * @returns {Promise<string>} the test that caught it
 */
async function catchBug(bug) {
  const texts = planted(bug);
  const { plugin, loaded } = plantingPlugin(texts);
  const { tests, failures } = await runTests(bug, [plugin]);
  for (const path of texts.keys()) {
    if (!loaded.has(path)) throw new Error(`No test loads ${path}.`);
  }
  const [first] = failures;
  if (!first) throw new Error(`It survives ${tests} tests.`);
  if (MISTAKES.has(first.name)) {
    throw new Error(`It breaks the code instead: ${first.name}: ${first.message}`);
  }
  return first.test;
}

/**
 * @param {string} title
 * @param {() => Promise<string>} check
 * @returns {Promise<boolean>}
 */
async function report(title, check) {
  const started = performance.now();
  const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  try {
    const test = await check();
    console.log(`caught    ${title} (${took()})\n          ${test}`);
    return true;
  } catch (error) {
    console.log(`NOT SO    ${title} (${took()})\n          ${String(error)}`);
    return false;
  }
}

const words = process.argv.slice(2);
const chosen = BUGS.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (chosen.length === 0) throw new Error(`No planted bug is named ${words.join(' or ')}.`);
let good = 0;
for (const [what, bugs] of grouped(chosen)) {
  const control = await runTests(what, []);
  console.log(`control   ${control.tests} tests of ${what.tests.join(', ')}`);
  for (const { test, message } of control.failures) console.log(`NOT SO    ${test}: ${message}`);
  if (control.tests === 0 || control.failures.length > 0) continue;
  for (const bug of bugs) if (await report(bug.name, () => catchBug(bug))) good++;
}
console.log(`${good} of ${chosen.length} planted bugs caught`);
process.exitCode = good === chosen.length ? 0 : 1;

/**
 * Bugs with the same tests, so that each null control runs once.
 * @param {readonly Bug[]} bugs
 * @returns {[Bug, Bug[]][]}
 */
function grouped(bugs) {
  /** @type {Map<string, [Bug, Bug[]]>} */
  const groups = new Map();
  for (const bug of bugs) {
    const key = [...bug.tests, bug.only].join();
    const group = groups.get(key) ?? [bug, []];
    groups.set(key, group);
    group[1].push(bug);
  }
  return [...groups.values()];
}
