/** The command line of the browser suites: all targets, one after the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BROWSERS } from '../../../tools/browsers/browser.mjs';
import { findBrowser } from '../../../tools/find-browser.mjs';
import { countSuites, merged, type VitestReport } from './suites.ts';
import type { Results } from './table.ts';
import { TARGET_NAMES, TARGETS, type TargetName } from './targets.ts';

const ROOT = join(import.meta.dirname, '../../..');
const REPORTS = join(ROOT, 'node_modules/.cache/browsers');
const RESULTS = join(ROOT, 'docs/browsers.json');

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      browser: { type: 'string', multiple: true, default: [] },
      testNamePattern: { type: 'string', short: 't' },
      record: { type: 'boolean', default: false },
    },
  });
  const { testNamePattern, record } = values;
  const named = testNamePattern === undefined ? [] : ['-t', testNamePattern];
  if (record && named.length > 0) throw new Error('Parts of files are not recorded');
  const asked = values.browser.map(targetOf);
  let good = true;
  const usual = TARGET_NAMES.filter((name) => !TARGETS[name].isExtra);
  for (const name of asked.length > 0 ? asked : usual) {
    const { version, status, report } = await runOn(name, [...positionals, ...named]);
    for (const [title, { passed, failed }] of Object.entries(countSuites(report))) {
      console.log(`${name}: ${title}: ${passed} passed, ${failed} failed`);
    }
    // Parts of files say nothing of their files.
    const kept = named.length > 0 ? report : keep(name, report);
    if (record) recordResult(name, version, kept);
    good &&= status === 0 && report.testResults.length > 0;
  }
  return good ? 0 : 1;
}

function targetOf(word: string): TargetName {
  const target = TARGET_NAMES.find((name) => name === word);
  if (!target) throw new Error(`"${word}" is none of ${TARGET_NAMES.join(', ')}`);
  return target;
}

interface Run {
  readonly version: string;
  /** Vitest's exit status. */
  readonly status: number;
  readonly report: VitestReport;
}

async function runOn(name: TargetName, selection: readonly string[]): Promise<Run> {
  const { browser, title } = TARGETS[name];
  const log = (line: string) => console.log(`find-browser: ${line}`);
  const version = await BROWSERS[browser].version(await findBrowser(browser, { log }));
  console.log(`=== ${title}: ${version}`);
  mkdirSync(REPORTS, { recursive: true });
  const path = join(REPORTS, `${name}.run.json`);
  rmSync(path, { force: true });
  const status = await runVitest([
    ...['--config', 'vitest.browsers.config.ts', '--project', `on-${name}`],
    ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', path],
    ...selection,
  ]);
  return { version, status, report: reportAt(path) };
}

/** @returns its exit status */
async function runVitest(args: readonly string[]): Promise<number> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...args], { cwd: ROOT, stdio: 'inherit' });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
}

/** A run that breaks down leaves no report. */
function reportAt(path: string): VitestReport {
  if (!existsSync(path)) return { testResults: [] };
  return JSON.parse(readFileSync(path, 'utf8')) as VitestReport;
}

/** @returns the newest result of each file */
function keep(name: TargetName, report: VitestReport): VitestReport {
  const path = join(REPORTS, `${name}.json`);
  const all = merged(reportAt(path), report);
  const testResults = all.testResults.filter((file) => existsSync(file.name));
  writeFileSync(path, JSON.stringify({ testResults }));
  return { testResults };
}

function recordResult(name: TargetName, version: string, report: VitestReport): void {
  const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Results) : {};
  const date = new Date().toISOString().slice(0, 10);
  const results: Results = { ...before, [name]: { date, version, suites: countSuites(report) } };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}
