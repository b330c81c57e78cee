/**
 * `npm run bench -- [--set name] [--only a,b] [--workloads x,y] [--repeat n] [--out file] [--no-report]
 *   [--long] [--profile] [--browser name] [--backend sqlite]`
 *
 * Runs each set, or one, and of it the contenders and workloads whose names contain what is asked for.
 * Every repetition has a browser and a profile of its own, on disk. A set that ran whole replaces its
 * results in bench/results and its tables in BENCHMARKS.md; parts are summed up on the terminal. `--long`: also
 * what takes minutes, a gigabyte.
 *
 * `--profile` prints the hottest functions of each measured step's workers instead: once, on Chromium. With
 * `--keep` BENCHMARKS.md shows them beside the lines that are missed, from the next report on.
 * `--browser` is chromium (default), firefox or webkit; `--backend sqlite` is Chromium's other IndexedDB.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modulePage, startHost } from '../tools/browser-host.mjs';
import { BROWSER_NAMES, BROWSERS } from '../tools/browsers/browser.mjs';
import { findBrowser } from '../tools/find-browser.mjs';
import { bundle } from './bundle.mjs';
import { readLatest, writeLatest } from './latest.mjs';
import { printProfiles, startProfiler } from './profile.mjs';
import { keepProfile } from './profiles.mjs';
import { writeReport } from './report.mjs';
import { SET_NAMES } from './sets.mjs';
import { spread } from './statistics.mjs';

const PARTIAL = fileURLToPath(new URL('../node_modules/.cache/bench.json', import.meta.url));
const REPETITION_TIMEOUT_MS = 60 * 60_000;
const REPEAT_DEFAULT = 5;
/** Chromium tells the memory only after its next garbage collection otherwise, which may take a minute. */
const CHROMIUM_FLAGS = ['--enable-blink-features=ForceEagerMeasureMemory'];
const SQLITE_BACKEND_FLAG = '--enable-features=IdbSqliteBackingStore';

/** @typedef {import('./latest.mjs').Place} Place */
/** @typedef {import('./results.mjs').Figure} Figure */
/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./sets.mjs').SetName} SetName */
/** @typedef {Pick<Results, 'browser' | 'contenders' | 'workloads'> & { steps: number }} Plan */

const { values } = parseArgs({
  options: {
    set: { type: 'string' },
    only: { type: 'string', default: '' },
    workloads: { type: 'string', default: '' },
    repeat: { type: 'string', default: String(REPEAT_DEFAULT) },
    out: { type: 'string' },
    'no-report': { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    browser: { type: 'string', default: 'chromium' },
    backend: { type: 'string', default: '' },
  },
});
const browser = BROWSER_NAMES.find((name) => name === values.browser);
if (!browser) throw new Error(`"${values.browser}" is none of ${BROWSER_NAMES.join(', ')}`);
if (values.backend !== '' && (values.backend !== 'sqlite' || browser !== 'chromium')) {
  throw new Error('The only other backend is chromium\'s "sqlite"');
}
if (values.profile && browser !== 'chromium') throw new Error('Only chromium can be profiled');
const repeat = values.profile ? 1 : Number(values.repeat);
const whole = values.only === '' && values.workloads === '' && !values.profile;
const names = SET_NAMES.filter((name) => values.set === undefined || values.set === name);
/** WebKitGTK does not tell pages its version. */
const webkitVersion =
  browser === 'webkit' ? await BROWSERS.webkit.version(await findBrowser('webkit')) : undefined;
/** @type {Place} */
const place = browser === 'chromium' ? (values.backend ? 'chromium-sqlite' : 'latest') : browser;

const { root, entry } = await bundle({ minify: !values.profile });
/** @type {Partial<Record<SetName, Results>>} */
const ran = {};
for (const name of names) {
  const results = await runSet(name);
  if (results) ran[name] = results;
}
if (Object.keys(ran).length === 0) throw new Error('No set has contenders and workloads so named');
finish();

/** @param {SetName} set @returns {Promise<Results | undefined>} none if nothing is selected */
async function runSet(set) {
  /** @type {Figure[]} */
  const figures = [];
  const loadAtStart = loadavg()[0] ?? 0;
  /** @type {Plan | undefined} */
  let plan;
  for (let repetition = 0; repetition < repeat && plan?.steps !== 0; repetition++) {
    plan = await repeatOnce({ set, repetition, figures });
  }
  if (!plan || plan.steps === 0) return undefined;
  const { contenders, workloads } = plan;
  const name = webkitVersion ?? plan.browser;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${type()} ${release().split('.', 2).join('.')}`,
    loadAtStart,
    loadAtEnd: loadavg()[0] ?? 0,
    browser: values.backend ? `${name} on its ${values.backend} backend` : name,
    repeat,
    contenders,
    workloads,
    figures,
  };
}

/** @param {{ set: SetName, repetition: number, figures: Figure[] }} run @returns {Promise<Plan>} */
async function repeatOnce({ set, repetition, figures }) {
  let count = 0;
  const host = await startHost({
    root,
    ...(browser ? { browser } : {}),
    tabs: values.profile,
    flags: browser === 'chromium' ? flags() : [],
    onMessage: ({ kind, data }) => {
      if (kind !== 'result') return;
      count += 1;
      const result = /** @type {import('./types.ts').StepResult} */ (data);
      const figure = figureOf(repetition, result);
      note(`${set} ${repetition + 1}/${repeat} #${count}`, result);
      if (figure) figures.push(figure);
    },
  });
  try {
    const { only, workloads } = values;
    const page = {
      set,
      only,
      workloads,
      repetition,
      ...(values.long ? { long: true } : {}),
      ...(values.profile ? { profile: true } : {}),
    };
    host.open(modulePage(entry, page));
    const described = /** @type {Plan} */ (await host.waitFor('plan'));
    if (values.profile) await profileSteps(host);
    const end = async () => {
      const data = await host.waitFor('end', { timeoutMs: REPETITION_TIMEOUT_MS });
      return /** @type {{ restartAt: number } | null} */ (data)?.restartAt;
    };
    for (let step = await end(); step !== undefined; step = await end()) {
      await host.restart(modulePage(entry, { ...page, step, restarted: step }));
    }
    return described;
  } finally {
    await host.close();
  }
}

function flags() {
  return values.backend === 'sqlite' ? [...CHROMIUM_FLAGS, SQLITE_BACKEND_FLAG] : CHROMIUM_FLAGS;
}

/** @param {Awaited<ReturnType<typeof startHost>>} host */
async function profileSteps(host) {
  /** @type {Awaited<ReturnType<typeof startProfiler>> | undefined} */
  let profiler;
  for await (const { kind, data } of host.messages) {
    if (kind === 'end' || kind === 'page-error') break;
    if (kind !== 'hold') continue;
    const step = /** @type {import('./types.ts').Step | null} */ (data);
    profiler ??= await startProfiler(host.profileDir);
    if (step?.phases.includes('run')) {
      const { workload, contender } = step;
      console.log(`\n${workload} ${contender}`);
      const workers = await profiler.take();
      printProfiles(workers);
      if (values.keep) keepProfile({ workload, contender, workers });
    }
    await profiler.goOn();
  }
  await profiler?.close();
}

/** @param {string} label @param {import('./types.ts').StepResult} result */
function note(label, { step, measurement, error }) {
  const what = `${label} ${step.workload} ${step.contender} ${step.phases.at(-1)}`;
  if (error !== undefined) console.error(`${what}: ${error.split('\n', 1)[0]}`);
  else if (measurement) console.log(`${what}: ${measurement.meanMs.toFixed(3)} ms`);
}

/**
 * @param {number} repetition
 * @param {import('./types.ts').StepResult} result
 * @returns {Figure | undefined} none for a step that measures nothing
 */
function figureOf(repetition, { step, openMs, measurement, counters, error }) {
  if (!measurement && error === undefined) return undefined;
  return {
    contender: step.contender,
    workload: step.workload,
    repetition,
    ...(openMs === undefined ? {} : { openMs }),
    ...(measurement ? { measurement } : {}),
    ...(counters ? { counters } : {}),
    ...(error === undefined ? {} : { error }),
  };
}

function finish() {
  const out = values.out ?? (whole ? undefined : PARTIAL);
  if (out === undefined) {
    writeLatest(place, { ...readLatest(place), ...ran });
    if (!values['no-report']) writeReport();
  } else {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, JSON.stringify(ran));
    console.log(`Written: ${out}`);
  }
  for (const [name, results] of Object.entries(ran)) summarise(name, results);
  const failed = Object.values(ran).some(({ figures }) => figures.some(({ error }) => error));
  if (failed) process.exitCode = 1;
}

/** @param {string} set @param {Results} results */
function summarise(set, { contenders, workloads, figures }) {
  for (const { name: workload } of workloads) {
    console.log(`\n${set}: ${workload}`);
    for (const { name } of contenders) {
      const ms = figures
        .filter((figure) => figure.contender === name && figure.workload === workload)
        .flatMap(({ measurement }) => measurement?.meanMs ?? []);
      if (ms.length === 0) continue;
      const { median, min, max } = spread(ms);
      const range = `${min.toFixed(3)} … ${max.toFixed(3)}`;
      console.log(`  ${name.padEnd(36)} ${median.toFixed(3).padStart(10)} ms  (${range})`);
    }
  }
}
