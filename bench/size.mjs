/**
 * `npm run size [-- --check]`
 *
 * Measures what an application ships of this package and of its peers, and writes it to
 * bench/results/sizes.json. With `--check` it measures this package only, and fails if a size has moved
 * away from what is written, or a peer has another version. Either way it fails if a size is above its
 * limit (.size-limit.json).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shippedBytes } from './code-size.mjs';
import { APPS, ENGINES, ENTRY_POINTS, PACKAGES } from './size-subjects.mjs';
import { readSizes, writeSizes } from './sizes.mjs';

/** @typedef {import('./sizes.mjs').Sizes} Sizes */

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
/** How far a size may be from what is written. */
const TOLERANCE = 0.02;

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const packages = Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)]));
/** @type {Record<string, number>} */
const entryPoints = {};
for (const [path, subject] of Object.entries(ENTRY_POINTS)) {
  entryPoints[path] = (await shippedBytes(subject)).js;
}
/** @type {Record<string, number>} */
const engines = {};
for (const subject of ENGINES) engines[subject.name] = (await shippedBytes(subject)).js;

const problems = values.check ? moved(readSizes()) : [];
if (!values.check) writeSizes({ packages, entryPoints, engines, apps: await measuredApps() });
for (const problem of problems) console.error(problem);
if (problems.length > 0) console.error('Run `npm run size` and `npm run readme`.');
const { status } = spawnSync('npx', ['size-limit'], { cwd: REPOSITORY, stdio: 'inherit' });
process.exit(status === 0 && problems.length === 0 ? 0 : 1);

async function measuredApps() {
  /** @type {Sizes['apps'][number][]} */
  const apps = [];
  for (const { title, wasm, vfs, whole } of APPS) {
    apps.push({
      title,
      wasm,
      ...(vfs && { vfs: (await shippedBytes(vfs)).js }),
      whole: await shippedBytes(whole),
    });
  }
  return apps;
}

/** @param {Sizes | undefined} written @returns {string[]} what is no longer so */
function moved(written) {
  if (!written) return ['No sizes are written yet.'];
  const sizes = { ...entryPoints, ...engines };
  const before = { ...written.entryPoints, ...written.engines };
  return [
    ...Object.keys({ ...sizes, ...before }).flatMap((name) => {
      const [now = 0, then = 0] = [sizes[name], before[name]];
      return Math.abs(now - then) <= TOLERANCE * then
        ? []
        : [`${name} has ${now} bytes, and ${then} are written`];
    }),
    ...PACKAGES.filter((name) => packages[name] !== written.packages[name]).map(
      (name) => `${name} is ${packages[name]}, and ${written.packages[name]} was measured`,
    ),
  ];
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(`${REPOSITORY}node_modules/${name}/package.json`, 'utf8')).version;
}
