/**
 * bench/results: of each set, the results of its newest whole run; `latest` on Chromium as it comes, and
 * others where somebody has run them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where a set ran that did not run on Chromium as it comes. */
export const OTHER_PLACES = /** @type {const} */ (['chromium-sqlite', 'firefox', 'webkit']);

/** @typedef {'latest' | (typeof OTHER_PLACES)[number]} Place */
/** @typedef {Partial<Record<import('./sets.mjs').SetName, import('./results.mjs').Results>>} Latest */

/** @param {Place} place */
const fileOf = (place) => fileURLToPath(new URL(`./results/${place}.json`, import.meta.url));

/** @param {Place} place @returns {Latest} */
export function readLatest(place) {
  const file = fileOf(place);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** @param {Place} place @param {Latest} latest */
export function writeLatest(place, latest) {
  const sets = Object.entries(latest).map(([name, results]) => `"${name}": ${textOf(results)}`);
  writeFileSync(fileOf(place), `{\n${sets.join(',\n')}\n}\n`);
  console.log(`Written: ${fileOf(place)}`);
}

/** One figure per line, numbers no finer than the clock. @param {import('./results.mjs').Results} results */
function textOf({ figures, ...conditions }) {
  /** @param {string} _key @param {unknown} value */
  const rounded = (_key, value) =>
    typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
  const lines = figures.map((figure) => `  ${JSON.stringify(figure, rounded)}`);
  const head = JSON.stringify(conditions, rounded, 2).slice(0, -'\n}'.length);
  return `${head},\n  "figures": [\n${lines.join(',\n')}\n  ]\n}`;
}
