/** bench/results/sizes.json: what was measured of code sizes, and the tables of it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { number, table } from './results.mjs';

/** @typedef {import('./code-size.mjs').Bytes} Bytes */
/**
 * In bytes, gzipped.
 *
 * @typedef {object} Sizes
 * @property {Readonly<Record<string, string>>} packages their versions
 * @property {Readonly<Record<string, number>>} entryPoints
 * @property {Readonly<Record<string, number>>} engines
 * @property {readonly { title: string, wasm: string, vfs?: number, whole: Bytes }[]} apps
 */

const FILE = fileURLToPath(new URL('./results/sizes.json', import.meta.url));
const KIB = 1024;

export const SIZE_METHOD =
  'In KiB, bundled by Vite, minified and gzipped, storage workers included.';

/** @returns {Sizes | undefined} */
export function readSizes() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : undefined;
}

/** @param {Sizes} sizes */
export function writeSizes(sizes) {
  writeFileSync(FILE, `${JSON.stringify(sizes, null, 2)}\n`);
  console.log(`Written: ${FILE}`);
}

/** What an application ships, ours and the peers'. @param {Sizes} sizes */
export function appTable({ apps }) {
  return table(
    ['', 'SQLite is built', 'the VFS', 'with its API, JavaScript', 'WebAssembly'],
    apps.map(({ title, wasm, vfs, whole }) => [
      title,
      wasm,
      vfs === undefined ? '–' : kib(vfs),
      kib(whole.js),
      kib(whole.wasm),
    ]),
    2,
  );
}

/** @param {Sizes} sizes */
export function entryPointTable({ entryPoints, engines }) {
  return table(
    ['what is imported', 'KiB'],
    [
      ...Object.entries(entryPoints).map(([path, bytes]) => [
        `\`idb-block-vfs${path.slice(1)}\``,
        kib(bytes),
      ]),
      ...Object.entries(engines).map(([name, bytes]) => [`\`${name}\` alone`, kib(bytes)]),
    ],
    1,
  );
}

/** @param {number} bytes */
function kib(bytes) {
  return number(bytes / KIB);
}
