/** The plots of BENCHMARKS.md, written beside the results. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svgOf } from './plot.mjs';
import { elapsed, engineOf, median, valuesOf, withOpening } from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */
/** @typedef {import('./results.mjs').WorkloadRow} WorkloadRow */
/** @typedef {import('./results.mjs').Measure} Measure */
/** @typedef {import('./plot.mjs').Chart} Chart */

const FOLDER = 'bench/results';
const PERCENT_MAX = 99;
const LATENCY = 'commit-1-row';

/** @param {Results} results @returns {string[]} */
export function latencyPlots(results) {
  return ['relaxed', 'strict'].flatMap((durability) => {
    const series = results.contenders
      .filter((contender) => contender.durability === durability)
      .map((contender) => ({ name: nameOf(contender), points: quantilesOf(results, contender) }));
    return plot(`commit-latency-${durability}`, {
      title: `One-row commits, ${durability}: how long they take`,
      xTitle: 'percent of commits that take no longer',
      yTitle: 'ms',
      xScale: 'linear',
      yScale: 'log',
      series,
    });
  });
}

/** @param {Results} results @returns {string[]} */
export function growthPlots(results) {
  return [
    ...plot('dirty-pages', {
      title: 'A commit, by the pages it changes',
      xTitle: 'pages of 4 KiB',
      yTitle: 'ms',
      xScale: 'log',
      yScale: 'log',
      series: seriesOf(results, /^commit-(\d+)-pages$/, elapsed),
    }),
    ...plot('scan-throughput', {
      title: 'Opening and scanning a database, by its size',
      xTitle: 'MB',
      yTitle: 'MB/s',
      xScale: 'log',
      yScale: 'log',
      series: seriesOf(results, /^scan-(\d+)mb$/, withOpening).map(({ name, points }) => ({
        name,
        points: points.map(([mb, ms]) => [mb, mb / (ms / 1000)]),
      })),
    }),
    ...plot('growth-reads', {
      title: 'A point read after reopening, by the size of the database',
      xTitle: 'MB',
      yTitle: 'ms',
      xScale: 'log',
      yScale: 'log',
      series: seriesOf(results, /^read-(\d+)mb$/, elapsed),
    }),
    ...plot('growth-commits', {
      title: 'A one-row commit, by the size of the database',
      xTitle: 'MB',
      yTitle: 'ms',
      xScale: 'log',
      yScale: 'log',
      series: seriesOf(results, /^commit-(\d+)mb$/, elapsed),
    }),
    ...plot('growth-opening', {
      title: 'Opening to the first row, by the size of the database',
      xTitle: 'MB',
      yTitle: 'ms',
      xScale: 'log',
      yScale: 'log',
      series: seriesOf(results, /^open-(\d+)mb$/, withOpening),
    }),
  ];
}

/**
 * @param {Results} results
 * @param {RegExp} pattern of workload names; its group is the number on the x axis
 * @param {(workload: WorkloadRow, results: Results) => Measure} measureOf
 */
function seriesOf(results, pattern, measureOf) {
  return results.contenders.map((contender) => ({
    name: `${nameOf(contender)}, ${contender.durability}`,
    points: results.workloads.flatMap((workload) => {
      const x = pattern.exec(workload.name)?.[1];
      const values = [...valuesOf(results, measureOf(workload, results), contender).values()];
      if (x === undefined || values.length === 0) return [];
      return [/** @type {const} */ ([Number(x), median(values)])];
    }),
  }));
}

/** The median of the repetitions, for each percentile. @param {Results} results @param {ContenderRow} contender */
function quantilesOf(results, contender) {
  const runs = results.figures.flatMap(({ measurement, ...figure }) =>
    figure.workload === LATENCY && figure.contender === contender.name
      ? measurement?.quantilesMs
        ? [measurement.quantilesMs]
        : []
      : [],
  );
  if (runs.length === 0) return [];
  return Array.from(
    { length: PERCENT_MAX + 1 },
    (_, percent) =>
      /** @type {const} */ ([percent, median(runs.map((quantiles) => quantiles[percent] ?? 0))]),
  );
}

/** @param {ContenderRow} contender */
function nameOf(contender) {
  const { engine, build } = contender;
  return engine.startsWith('IDB') ? `${engineOf(contender)}, ${build}` : engineOf(contender);
}

/** @param {string} name @param {Chart} chart @returns {string[]} what BENCHMARKS.md shows */
function plot(name, chart) {
  const series = chart.series.filter(({ points }) => points.length > 0);
  if (series.length === 0) return [];
  const path = `${FOLDER}/${name}.svg`;
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  writeFileSync(file, svgOf({ ...chart, series }));
  return [`![${chart.title}](${path})`];
}
