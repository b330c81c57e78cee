/** How many bytes an application ships: bundled, minified, gzipped; JavaScript and WebAssembly apart. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
/** Git ignores it; .size-limit.json measures what lies in it. */
const BUNDLES = join(REPOSITORY, '.size');
const LEVEL = 9;

/**
 * @typedef {object} Subject
 * @property {string} name of its folder in .size
 * @property {string} code a module that exports what an application uses; workers that it starts count
 * @property {RegExp} [without] packages that are left out; default: none
 * @property {RegExp} [unused] files that come along and are not loaded; default: none
 *
 * @typedef {{ js: number, wasm: number }} Bytes
 */

/** Bundles a subject as an application would. @param {Subject} subject @returns {Promise<Bytes>} gzipped */
export async function shippedBytes({ name, code, without, unused }) {
  const outDir = join(BUNDLES, name);
  const entry = join(BUNDLES, `${name}.entry.js`);
  mkdirSync(BUNDLES, { recursive: true });
  writeFileSync(entry, code);
  await build({
    configFile: false,
    root: REPOSITORY,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      copyPublicDir: false,
      target: 'esnext',
      minify: true,
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        ...(without && { external: [without] }),
        preserveEntrySignatures: 'strict',
      },
    },
  });
  return gzipped(outDir, unused);
}

/**
 * Of the .wasm only what the code names: Vite copies also those of modules that are not needed.
 *
 * @param {string} folder
 * @param {RegExp | undefined} unused
 * @returns {Bytes}
 */
function gzipped(folder, unused) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !unused?.test(entry.name))
    .map(({ name, parentPath }) => ({ name, content: readFileSync(join(parentPath, name)) }));
  const code = files.filter(({ name }) => name.endsWith('.js'));
  const named = files.filter(
    ({ name }) => name.endsWith('.wasm') && code.some(({ content }) => content.includes(name)),
  );
  /** @param {typeof files} all */
  const bytes = (all) =>
    all.reduce((sum, { content }) => sum + gzipSync(content, { level: LEVEL }).byteLength, 0);
  return { js: bytes(code), wasm: bytes(named) };
}
