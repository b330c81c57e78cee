/**
 * A page that opens a database, is left for another one that writes to it, and is returned to: restored from
 * the back/forward cache, or loaded anew.
 */
import { report, reportErrors } from '../../../tools/host-client.ts';
import type { BuildName } from '../sqlite.ts';
import { openDatabase, type PageDatabase } from './open.ts';

const PATH = 'a.db';
/** Chromium keeps no page that was left at once, or before it was loaded. */
const SETTLED_MS = 300;

/** What a page found and did. */
export interface Visit {
  readonly page: 'first' | 'second' | 'first again';
  /** It was restored, with all that was in its memory. */
  readonly restored: boolean;
  /** What the table held before this page wrote. */
  readonly found: readonly unknown[];
}

reportErrors();
const parameters = new URLSearchParams(location.search);
const options = JSON.parse(parameters.get('options') ?? '{}') as {
  readonly build: BuildName;
  readonly stealAfterMs: number;
};

const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
if (parameters.get('page') === 'second') {
  await visit(await open('asyncify'), { page: 'second', restored: false });
  history.back();
} else if (navigation?.type === 'back_forward') {
  await visit(await open(options.build), { page: 'first again', restored: false });
} else {
  const database = await open(options.build);
  await database.run('CREATE TABLE t(page)');
  await visit(database, { page: 'first', restored: false });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) void visit(database, { page: 'first again', restored: true });
  });
  if (document.readyState !== 'complete') {
    await new Promise((resolve) => addEventListener('load', resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  parameters.set('page', 'second');
  location.search = parameters.toString();
}

function open(build: BuildName): Promise<PageDatabase> {
  const { stealAfterMs } = options;
  const vfs = { idbName: 'bfcache', stealAfterMs, busyTimeoutMs: 30_000 };
  return openDatabase(PATH, { build, vfs, watch: () => undefined });
}

async function visit(database: PageDatabase, who: Pick<Visit, 'page' | 'restored'>): Promise<void> {
  const found = (await database.rows('SELECT page FROM t')).flat();
  await database.run('INSERT INTO t VALUES (?)', [who.page]);
  await report('visit', { ...who, found } satisfies Visit);
}
