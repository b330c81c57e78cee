/** The results of one run of a set, and how they are asked for what the tables show. */
import { median, spread } from './statistics.mjs';

/** @typedef {Omit<import('./types.ts').Contender, 'load' | 'attach'>} ContenderRow */
/** @typedef {{ name: string, title: string, cold: boolean }} WorkloadRow */
/**
 * @typedef {object} Figure
 * @property {string} contender
 * @property {string} workload
 * @property {number} repetition
 * @property {number} [openMs]
 * @property {import('./types.ts').Measurement} [measurement]
 * @property {Record<string, number>} [counters]
 * @property {string} [error]
 */
/**
 * @typedef {object} Results
 * @property {string} date
 * @property {string} machine
 * @property {number} loadAtStart
 * @property {number} [loadAtEnd]
 * @property {string} browser
 * @property {number} repeat
 * @property {readonly ContenderRow[]} contenders
 * @property {readonly WorkloadRow[]} workloads
 * @property {readonly Figure[]} figures
 */
/** @typedef {Figure & { measurement: import('./types.ts').Measurement }} Measured */

/**
 * What a row of a table shows.
 *
 * @typedef {object} Measure
 * @property {string} title
 * @property {string} workload
 * @property {(figure: Measured) => number | undefined} of milliseconds
 */

/** Elapsed time divided by operations. @param {WorkloadRow} workload @returns {Measure} */
export function elapsed({ name, title }) {
  return { title, workload: name, of: ({ measurement }) => measurement.meanMs };
}

/** The middle one of a run's operations: what pauses and neighbours leave out. @param {WorkloadRow} workload @returns {Measure} */
export function typical({ name, title }) {
  return { title, workload: name, of: ({ measurement }) => measurement.medianMs };
}

/** One of the parts that a workload has told apart. @param {string} part */
export function detailed(part) {
  /** @param {WorkloadRow} workload @returns {Measure} */
  return ({ name, title }) => ({
    title: `${title}: ${part}`,
    workload: name,
    of: ({ measurement }) => measurement.details?.[part],
  });
}

/** Opening the database, and everything after it. @param {WorkloadRow} workload @param {Results} results @returns {Measure} */
export function withOpening({ name, title }, { figures }) {
  const figure = figures.find(({ workload, measurement }) => workload === name && measurement);
  const count = figure?.measurement?.operations ?? 1;
  const what = title.replace(', cold', '');
  return {
    title: `opening and ${count === 1 ? what : `${count} × ${what}`}`,
    workload: name,
    of: ({ openMs, measurement }) =>
      openMs === undefined ? undefined : openMs + measurement.meanMs * measurement.operations,
  };
}

/** The engine, and what is not SQLite's default. @param {ContenderRow} contender */
export function engineOf({ engine, pageBytes, locking, observed }) {
  const pages =
    pageBytes === undefined || pageBytes === 4096 ? '' : `, ${pageBytes / 1024} KiB pages`;
  const mode = locking ? `, locking_mode=${locking}` : '';
  return `${engine}${pages}${mode}${observed ? ', observed' : ''}`;
}

/** @param {Results} results @param {Measure} measure @param {ContenderRow} contender */
export function valuesOf({ figures }, { workload, of }, contender) {
  /** @type {Map<number, number>} */
  const values = new Map();
  for (const { measurement, ...figure } of figures) {
    if (!measurement || figure.workload !== workload || figure.contender !== contender.name)
      continue;
    const value = of({ ...figure, measurement });
    if (value !== undefined) values.set(figure.repetition, value);
  }
  return values;
}

/** @param {Results} results @param {Measure} measure @param {ContenderRow} contender */
export function hasFailed({ figures }, { workload }, contender) {
  return figures.some(
    ({ error, ...figure }) =>
      error !== undefined && figure.workload === workload && figure.contender === contender.name,
  );
}

/** @param {Results} results @param {Measure} measure @param {ContenderRow} contender */
export function cell(results, measure, contender) {
  if (hasFailed(results, measure, contender)) return 'failed';
  const values = [...valuesOf(results, measure, contender).values()];
  return values.length === 0 ? '–' : range(values);
}

/**
 * How many times longer the peer takes, in each repetition.
 *
 * @param {Results} results
 * @param {Measure} measure
 * @param {{ ours: ContenderRow, peer: ContenderRow }} pair
 */
export function ratios(results, measure, { ours, peer }) {
  const theirs = valuesOf(results, measure, peer);
  return [...valuesOf(results, measure, ours)].flatMap(([repetition, value]) => {
    const other = theirs.get(repetition);
    return other === undefined ? [] : [other / value];
  });
}

/** @param {Results} results @param {Measure} measure @param {{ ours: ContenderRow, peer: ContenderRow }} pair */
export function ratioCell(results, measure, pair) {
  const all = ratios(results, measure, pair);
  return all.length === 0 ? '–' : range(all, '×');
}

/** @param {readonly number[]} values */
export function range(values, unit = '') {
  const { median: middle, min, max } = spread(values);
  return `**${number(middle)}${unit}** (${number(min)}–${number(max)})`;
}

/** Three significant digits, never an exponent. @param {number} value @returns {string} */
export function number(value) {
  if (value < 0) return `−${number(-value)}`;
  if (Number.isInteger(value)) return value.toLocaleString('en');
  if (value >= 100) return Math.round(value).toLocaleString('en');
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 0.1 ? 2 : value >= 0.01 ? 3 : 4);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @param {number} [numbersFrom] columns from here on are aligned to the right
 */
export function table(head, rows, numbersFrom = head.length) {
  const rule = head.map((_, i) => (i < numbersFrom ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export { median };
