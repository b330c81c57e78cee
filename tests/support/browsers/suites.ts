/** The browser suites as readers know them: what each is about, and what came of it in each browser. */
import { type Capability, needOf } from './capabilities.ts';

export interface Suite {
  readonly title: string;
  /** Whether a test is of this suite, by its file's name without ending, and its own full name. */
  readonly has: (file: string, name: string) => boolean;
  /** Without it there is nothing to run. */
  readonly needs?: Capability;
}

export interface Count {
  readonly passed: number;
  /** Skipped ones among them. */
  readonly failed: number;
}

/** Vitest's report in JSON, as far as it is used here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const OLD = 'wa-sqlite 1.0.0';
const LIVESTORE = '@livestore/wa-sqlite';
const files = (pattern: RegExp) => (file: string) => pattern.test(file);

/** The first that has a test is its suite. */
export const SUITES: readonly Suite[] = [
  { title: 'SQL with 200 MB, and 50 MB in one sqliteTx', has: files(/^sql-(bulk|memory)$/) },
  sql('asyncify', 'SQL on IDBBlockVFS, Asyncify'),
  sql('jspi', 'SQL on IDBBlockVFS, JSPI'),
  sql('legacy-asyncify', `SQL on IDBBlockVFS, Asyncify of ${OLD}`),
  sql('mirror', 'SQL on IDBBlockMirrorVFS'),
  sql('legacy-mirror', `SQL on IDBBlockMirrorVFS, ${OLD}`),
  sql('shared', 'SQL on IDBBlockSharedVFS'),
  sql('legacy-shared', `SQL on IDBBlockSharedVFS, ${OLD}`),
  sql('livestore-mirror', `SQL on IDBBlockMirrorVFS, ${LIVESTORE}`),
  sql('livestore-shared', `SQL on IDBBlockSharedVFS, ${LIVESTORE}`),
  { title: 'Engines read what others wrote', has: files(/^engines-interchange$/) },
  { title: 'Several tabs and workers', has: files(/^(readers|writers)$/) },
  {
    title: 'Recovery, damage, newer formats',
    has: files(/^(recovery|verify|fault-(damage|format))$/),
  },
  { title: 'Faults of IndexedDB and locks', has: files(/^(fault-.*|peer-wedge)$/) },
  { title: 'Space and numbers of requests', has: files(/^store-.*$/) },
  { title: 'Export, import, changes', has: files(/^(files.*|changes)$/) },
  { title: 'Migration from OPFS', has: files(/^migrate-opfs$/), needs: 'OPFS' },
  {
    title: 'Migration from absurd-sql',
    has: files(/^migrate-absurd-sql$/),
    needs: 'SharedArrayBuffer',
  },
  { title: 'Migration from other libraries', has: files(/^migrate-.*$/) },
  { title: 'openDatabase', has: files(/^open-database$/) },
  { title: "The mirror's loading and waits, auto-sync", has: files(/^(mirror-.*|auto-sync)$/) },
  { title: 'Contexts without the shared engine', has: files(/^shared-contexts$/) },
  {
    title: "The shared engine's threads",
    has: files(/^shared-.*$/),
    needs: 'SharedArrayBuffer',
  },
  { title: 'IndexedDB and its simulation', has: files(/^conformance-.*$/) },
  { title: 'What all of these take for granted', has: files(/^environment$/) },
];

function sql(build: string, title: string): Suite {
  const word = new RegExp(`(?<![\\w-])${build}(?![\\w-])`);
  const needs = needOf(build);
  return {
    title,
    has: (file, name) => file.startsWith('sql-') && word.test(name),
    ...(needs && { needs }),
  };
}

/** @returns the results of both, of each file the newer one */
export function merged(before: VitestReport, now: VitestReport): VitestReport {
  const fresh = new Set(now.testResults.map(({ name }) => name));
  const stale = before.testResults.filter(({ name }) => !fresh.has(name));
  return { testResults: [...stale, ...now.testResults] };
}

/** The name of a test file, without folder and ending. */
function shortName(path: string): string {
  return /([^/\\]+)\.test\.ts$/.exec(path)?.[1] ?? path;
}

/** @returns undefined for a test that belongs to none */
export function suiteOf(path: string, name: string): Suite | undefined {
  const file = shortName(path);
  return SUITES.find((suite) => suite.has(file, name));
}

/**
 * @returns the count of each suite that ran, by its title
 * @throws if a test belongs to none
 */
export function countSuites(report: VitestReport): Record<string, Count> {
  const counts: Record<string, Count> = {};
  const add = (path: string, name: string, passed: boolean) => {
    const suite = suiteOf(path, name);
    if (!suite) throw new Error(`${path}: "${name}" belongs to no suite of suites.ts`);
    const { [suite.title]: count = { passed: 0, failed: 0 } } = counts;
    counts[suite.title] = {
      passed: count.passed + Number(passed),
      failed: count.failed + Number(!passed),
    };
  };
  for (const { name: path, status, assertionResults } of report.testResults) {
    for (const test of assertionResults) add(path, test.fullName, test.status === 'passed');
    // A file that does not load has no tests to count: it is one, with the name of a build that SQL runs on.
    const isTold = assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && !isTold) add(path, 'asyncify', false);
  }
  return counts;
}
