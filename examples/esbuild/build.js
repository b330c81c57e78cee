import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const out = process.argv[2] ?? here('dist');
mkdirSync(out, { recursive: true });
const api = createRequire(import.meta.url).resolve('@journeyapps/wa-sqlite');
for (const file of ['wa-sqlite.wasm', 'wa-sqlite-async.wasm', 'wa-sqlite-jspi.wasm']) {
  copyFileSync(join(api, '../../dist', file), join(out, file));
}
await build({
  entryPoints: [here('main.js')],
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  minify: true,
});
copyFileSync(here('index.html'), join(out, 'index.html'));
