/**
 * Prints one word, passed, failed or skipped, for each test in Vitest's JSON report.
 *
 *   node tools/count-tests.mjs REPORT EXIT_STATUS
 *
 * Never prints fewer than one "failed" for a run whose exit status is not zero: a file that does not
 * load has no tests to count, and a run that breaks down leaves no report at all.
 */
import { existsSync, readFileSync } from 'node:fs';

const [reportPath = '', exitStatus = '1'] = process.argv.slice(2);

/** @type {{ status: string, assertionResults: { status: string }[] }[]} */
const files = existsSync(reportPath)
  ? JSON.parse(readFileSync(reportPath, 'utf8')).testResults
  : [];

const words = files.flatMap((file) => {
  const ofTests = file.assertionResults.map((test) => wordFor(test.status));
  const brokenFile = file.status === 'failed' && !ofTests.includes('failed');
  return brokenFile ? [...ofTests, 'failed'] : ofTests;
});
if (words.length === 0 || (exitStatus !== '0' && !words.includes('failed'))) words.push('failed');
for (const word of words) console.log(word);

/** @param {string} status */
function wordFor(status) {
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}
