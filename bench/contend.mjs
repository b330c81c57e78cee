/**
 * `npm run bench:contend -- [--contexts n] [--rounds n] [--repeat n] [--blocks n] [--only a,b] [--out file]`
 *
 * Contexts, each in a worker, increment one counter with `BEGIN IMMEDIATE; UPDATE; COMMIT`: how many
 * sqliteTxs go through, and how long each waits to begin. Our engines beside IDBBatchAtomicVFS, in turns,
 * each repetition in a browser and a profile of its own, on disk. All have a busy_timeout, and try
 * again on SQLITE_BUSY. Then one-row commits of a tab that is alone, with Web Locks and without, in turns.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { modulePage, startHost } from '../tools/browser-host.mjs';
import { bundlePage } from '../tools/bundle-page.mjs';
import { median } from './statistics.mjs';

/** @typedef {import('./contend-jobs.ts').ContendResult} ContendResult */
/** @typedef {import('./contend-jobs.ts').LoneResult} LoneResult */

const CONTENDERS = [
  'idb-block.jspi.strict',
  'idb-block-mirror.sync.strict',
  'idb-block-shared.sync.strict',
  'idb-batch-atomic.jspi.strict',
  'idb-block.jspi.relaxed',
  'idb-block-mirror.sync.relaxed',
  'idb-block-shared.sync.relaxed',
  'idb-batch-atomic.jspi.relaxed',
];
const COMMITS_PER_BLOCK = 50;
const TIMEOUT_MS = 30 * 60_000;

const { values } = parseArgs({
  options: {
    contexts: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '100' },
    repeat: { type: 'string', default: '3' },
    blocks: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    out: { type: 'string', default: 'node_modules/.cache/contend.json' },
  },
});
const wanted = values.only.split(',').filter((part) => part !== '');
const contenders = CONTENDERS.filter(
  (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);

/** @type {ContendResult[]} */
const contended = [];
/** @type {LoneResult[]} */
const alone = [];
const loadAtStart = loadavg()[0] ?? 0;
const { root, entry } = await bundlePage('bench/contend-page.ts');
for (let repetition = 0; repetition < Number(values.repeat); repetition++) {
  await repeatOnce(repetition);
}
tell();

/** @param {number} repetition */
async function repeatOnce(repetition) {
  const host = await startHost({
    root,
    onMessage: ({ kind, data }) => {
      if (kind === 'contended') contended.push(/** @type {ContendResult} */ (data));
      if (kind === 'lone') alone.push(/** @type {LoneResult} */ (data));
    },
  });
  try {
    const { contexts, rounds, blocks } = values;
    // Another one is first each time.
    const turns = contenders.map((_, i) => contenders[(i + repetition) % contenders.length]);
    const shared = { contexts, rounds, blocks, repetition, commitsPerBlock: COMMITS_PER_BLOCK };
    host.open(modulePage(entry, { ...shared, contenders: turns.join(',') }));
    await host.waitFor('done', { timeoutMs: TIMEOUT_MS });
  } finally {
    await host.close();
  }
}

function tell() {
  const loads = { loadAtStart, loadAtEnd: loadavg()[0] ?? 0 };
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, JSON.stringify({ ...loads, contended, alone }));
  const expected = Number(values.contexts) * Number(values.rounds);
  const wrong = contended.filter(({ count }) => count !== expected);
  for (const { contender, count } of wrong)
    console.error(`${contender}: ${count}, not ${expected}`);
  console.table(contenders.map(rowOf));
  console.table(alone.map(loneRowOf));
  console.log({ ...loads, written: values.out });
  if (wrong.length > 0) process.exitCode = 1;
}

/** @param {string} contender */
function rowOf(contender) {
  const results = contended.filter((result) => result.contender === contender);
  const rates = results.map(({ waitsMs, elapsedMs }) => (1000 * waitsMs.length) / elapsedMs);
  /** @param {number} part */
  const quantile = (part) => median(results.map(({ waitsMs }) => quantileOf(waitsMs, part)));
  return {
    contender,
    'sqliteTxs/s': Math.round(median(rates)),
    'wait median ms': round(quantile(0.5)),
    'p95 ms': round(quantile(0.95)),
    'worst ms': round(Math.max(...results.map(({ waitsMs }) => quantileOf(waitsMs, 1)))),
    busy: results.reduce((sum, { busy }) => sum + busy, 0),
  };
}

/** @param {LoneResult} result */
function loneRowOf({ engine, withLocksMs, withoutMs, grantedMs }) {
  const [locked, free, granted] = [median(withLocksMs), median(withoutMs), median(grantedMs)];
  return {
    engine,
    'with locks ms': round(locked),
    'locks: null ms': round(free),
    'more %': round(100 * (locked / free - 1)),
    'as if granted ms': round(granted),
    'more than that %': round(100 * (locked / granted - 1)),
  };
}

/** @param {readonly number[]} samples @param {number} part */
function quantileOf(samples, part) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** @param {number} ms */
function round(ms) {
  return Math.round(ms * 1000) / 1000;
}
