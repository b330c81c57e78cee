import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Count, countSuites, merged, SUITES, suiteOf } from '../../support/browsers/suites.ts';
import { tableOf } from '../../support/browsers/table.ts';
import { filesBeyond, TARGETS } from '../../support/browsers/targets.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SQL = 'SQL on IDBBlockVFS, JSPI';
const FAULTS = 'Faults of IndexedDB and locks';

function testFile(path: string, status: string, ...tests: readonly (readonly [string, string])[]) {
  const assertionResults = tests.map(([fullName, status]) => ({ fullName, status }));
  return { name: path, status, assertionResults };
}

test.each(['browser', 'regress'])('each file in tests/%s belongs to a suite', (folder) => {
  const paths = readdirSync(join(ROOT, 'tests', folder));
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => !suiteOf(path, 'x, asyncify'))).toEqual([]);
});

test('a build is not taken for another whose name contains its own', () => {
  expect(suiteOf('sql-x.test.ts', 'x, legacy-shared y')?.title).toContain('1.0.0');
  expect(suiteOf('sql-x.test.ts', 'x, shared y')?.title).not.toContain('1.0.0');
  expect(suiteOf('sql-x.test.ts', 'nothing of a build')).toBeUndefined();
});

test('tests are counted by suite, skipped ones and files that do not load as failed', () => {
  const report = {
    testResults: [
      testFile('/a/sql-x.test.ts', 'failed', ['x, jspi', 'passed'], ['y, jspi', 'failed']),
      testFile('/a/fault-x.test.ts', 'passed', ['x', 'passed'], ['y', 'skipped']),
      testFile('/a/peer-wedge.test.ts', 'failed'),
    ],
  };
  expect(countSuites(report)).toEqual({
    [SQL]: { passed: 1, failed: 1 },
    [FAULTS]: { passed: 1, failed: 2 },
  });
  const lost = { testResults: [testFile('other.test.ts', 'passed', ['x', 'passed'])] };
  expect(() => countSuites(lost)).toThrow('belongs to no suite');
});

test('a file that ran again counts as it ended last', () => {
  const [x, y] = ['/a/x.test.ts', '/a/y.test.ts'];
  const before = { testResults: [testFile(x, 'failed'), testFile(y, 'passed')] };
  const now = { testResults: [testFile(x, 'passed')] };
  expect(merged(before, now).testResults.map(({ name, status }) => [name, status])).toEqual([
    [y, 'passed'],
    [x, 'passed'],
  ]);
});

/** Results in which every suite but the given ones has one test, which passed. */
function passedBut(lacks: readonly string[], more: Record<string, Count> = {}) {
  const titles = SUITES.filter(({ needs }) => !lacks.includes(needs ?? '')).map((s) => s.title);
  const suites = Object.fromEntries(titles.map((title) => [title, { passed: 1, failed: 0 }]));
  return { date: '2026-01-02', version: 'V 3', suites: { ...suites, ...more } };
}

test('the table says what passed and what a browser lacks', () => {
  const table = tableOf({
    firefox: passedBut([], { [FAULTS]: { passed: 12, failed: 0 } }),
    webkit: passedBut(TARGETS.webkit.lacks),
  });
  expect(table).toContain('|  | Firefox | WebKitGTK |\n');
  expect(table).toContain(`| ${FAULTS} | 12 of 12 | 1 of 1 |\n`);
  expect(table).toContain(`| ${SQL} | 1 of 1 | not there: needs JSPI |\n`);
  expect(table).toMatch(/\| seen on \| V 3, 2026-01-02 \| V 3, 2026-01-02 \|$/);
});

test('a suite that failed, or did not run where it could, makes no table', () => {
  const failed = { [FAULTS]: { passed: 12, failed: 1 } };
  expect(() => tableOf({ firefox: passedBut([], failed) })).toThrow('failed in Firefox');
  expect(() => tableOf({ firefox: passedBut(['JSPI']) })).toThrow('did not run in Firefox');
});

test('files that need what a browser lacks are left out there, and only there', () => {
  expect(filesBeyond([])).toEqual([]);
  expect(filesBeyond(['JSPI'])).toEqual([]);
  expect(filesBeyond(['OPFS'])).toEqual(['tests/browser/migrate-opfs.test.ts']);
  expect(filesBeyond(['SharedArrayBuffer'])).toHaveLength(2);
});
