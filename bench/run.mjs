/**
 * `npm run bench -- [--only a,b] [--workloads x,y] [--repeat n] [--out file] [--no-report]`
 *
 * Every repetition has a browser and a profile of its own, on disk. Results go to bench/results, and
 * a run of everything also writes BENCHMARKS.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modulePage, startHost } from '../tools/browser-host.mjs';
import { bundle } from './bundle.mjs';
import { writeReport } from './report.mjs';
import { spread } from './statistics.mjs';

const LATEST = fileURLToPath(new URL('./results/latest.json', import.meta.url));
const PARTIAL = fileURLToPath(new URL('../node_modules/.cache/bench.json', import.meta.url));
const REPETITION_TIMEOUT_MS = 30 * 60_000;
const REPEAT_DEFAULT = 5;

/** @typedef {import('./report.mjs').Figure} Figure */
/** @typedef {import('./report.mjs').Results} Results */
/** @typedef {Pick<Results, 'browser' | 'contenders' | 'workloads'> & { steps: number }} Plan */

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    workloads: { type: 'string', default: '' },
    repeat: { type: 'string', default: String(REPEAT_DEFAULT) },
    out: { type: 'string' },
    'no-report': { type: 'boolean', default: false },
  },
});
const repeat = Number(values.repeat);
const complete = values.only === '' && values.workloads === '';
const out = values.out ?? (complete ? LATEST : PARTIAL);

/** @type {Figure[]} */
const figures = [];
/** @type {Plan | undefined} */
let plan;
const { root, entry } = await bundle();
const loadAtStart = loadavg()[0] ?? 0;
for (let repetition = 0; repetition < repeat; repetition++) plan = await repeatOnce(repetition);
if (plan) finish(plan);

/** @param {number} repetition @returns {Promise<Plan>} */
async function repeatOnce(repetition) {
  let steps = 0;
  const host = await startHost({
    root,
    onMessage: ({ kind, data }) => {
      if (kind !== 'result') return;
      steps += 1;
      note(repetition, steps, /** @type {import('./types.ts').StepResult} */ (data));
    },
  });
  try {
    const { only, workloads } = values;
    host.open(modulePage(entry, { only, workloads, repetition }));
    const described = /** @type {Plan} */ (await host.waitFor('plan'));
    await host.waitFor('done', { timeoutMs: REPETITION_TIMEOUT_MS });
    return described;
  } finally {
    await host.close();
  }
}

/** @param {number} repetition @param {number} count @param {import('./types.ts').StepResult} result */
function note(repetition, count, { step, openMs, measurement, counters, error }) {
  const { contender, workload, phases } = step;
  const label = `${repetition + 1}/${repeat} #${count} ${workload} ${contender} ${phases.at(-1)}`;
  if (error !== undefined) console.error(`${label}: ${error.split('\n', 1)[0]}`);
  else if (measurement) console.log(`${label}: ${measurement.meanMs.toFixed(3)} ms`);
  if (!measurement && error === undefined) return;
  figures.push({
    contender,
    workload,
    repetition,
    ...(openMs === undefined ? {} : { openMs }),
    ...(measurement ? { measurement } : {}),
    ...(counters ? { counters } : {}),
    ...(error === undefined ? {} : { error }),
  });
}

/** @param {Plan} described */
function finish({ browser, contenders, workloads }) {
  /** @type {Results} */
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${type()} ${release().split('.', 2).join('.')}`,
    loadAtStart,
    loadAtEnd: loadavg()[0] ?? 0,
    browser,
    repeat,
    contenders,
    workloads,
    figures,
  };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, textOf(results));
  console.log(`Written: ${out}`);
  if (complete && !values['no-report']) writeReport(results);
  else summarise(results);
  if (figures.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

/** One figure per line, numbers no finer than the clock. @param {Results} results */
function textOf({ figures: list, ...conditions }) {
  /** @param {string} _key @param {unknown} value */
  const rounded = (_key, value) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
  const lines = list.map((figure) => `  ${JSON.stringify(figure, rounded)}`);
  const head = JSON.stringify(conditions, null, 2).slice(0, -'\n}'.length);
  return `${head},\n  "figures": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** @param {Results} results */
function summarise({ contenders, workloads }) {
  for (const { name: workload } of workloads) {
    console.log(`\n${workload}`);
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
