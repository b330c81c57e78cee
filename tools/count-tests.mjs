/**
 * Prints one word, passed, failed or skipped, for each test in Vitest's JSON report, and on the standard
 * error what failed, in a line each with the first of its message.
 *
 *   node tools/count-tests.mjs REPORT EXIT_STATUS
 *
 * Never prints fewer than one "failed" for a run whose exit status is not zero: a file that does not
 * load has no tests to count, and a run that breaks down leaves no report at all.
 */
import { existsSync, readFileSync } from 'node:fs';

const [reportPath = '', exitStatus = '1'] = process.argv.slice(2);

/**
 * @typedef {{ status: string, fullName?: string, title: string, failureMessages?: string[] }} Test
 * @type {{ status: string, name?: string, message?: string, assertionResults: Test[] }[]}
 */
const files = existsSync(reportPath)
  ? JSON.parse(readFileSync(reportPath, 'utf8')).testResults
  : [];

const words = files.flatMap((file) => {
  const ofTests = file.assertionResults.map((test) => wordFor(test.status));
  const brokenFile = file.status === 'failed' && !ofTests.includes('failed');
  return brokenFile ? [...ofTests, 'failed'] : ofTests;
});
if (words.length === 0 || (exitStatus !== '0' && !words.includes('failed'))) {
  words.push('failed');
  complain(reportPath, `exit status ${exitStatus}, and no test that failed is in the report`);
}
for (const word of words) console.log(word);
for (const { name = reportPath, status, message, assertionResults } of files) {
  const failed = assertionResults.filter((test) => wordFor(test.status) === 'failed');
  for (const test of failed)
    complain(`${name}: ${test.fullName ?? test.title}`, test.failureMessages?.[0]);
  if (status === 'failed' && failed.length === 0) complain(name, message);
}

/** @param {string} what @param {string} [why] */
function complain(what, why = '') {
  const [line = ''] = why.split('\n', 1);
  console.error(`${what}${line && ` - ${line}`}`);
}

/** @param {string} status */
function wordFor(status) {
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}
