/** bench/results/latest.json: of each set, the results of its newest whole run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LATEST = fileURLToPath(new URL('./results/latest.json', import.meta.url));

/** @typedef {Partial<Record<import('./sets.mjs').SetName, import('./results.mjs').Results>>} Latest */

/** @returns {Latest} */
export function readLatest() {
  return JSON.parse(readFileSync(LATEST, 'utf8'));
}

/** @param {Latest} latest */
export function writeLatest(latest) {
  const sets = Object.entries(latest).map(([name, results]) => `"${name}": ${textOf(results)}`);
  writeFileSync(LATEST, `{\n${sets.join(',\n')}\n}\n`);
  console.log(`Written: ${LATEST}`);
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
