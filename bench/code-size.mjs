/** How many bytes of ours an application ships for one engine: bundled, minified, gzipped. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const ENGINES = ['IDBBlockVFS', 'IDBBlockMirrorVFS', 'IDBBlockSharedVFS'];
const LEVEL = 9;

/** @returns {Promise<Record<string, number>>} of each engine, its storage worker included */
export async function codeBytes() {
  /** @type {Record<string, number>} */
  const sizes = {};
  for (const engine of ENGINES) sizes[engine] = await bytesOf(engine);
  return sizes;
}

/** @param {string} engine */
async function bytesOf(engine) {
  const folder = mkdtempSync(join(REPOSITORY, 'node_modules/.cache/size-'));
  try {
    const entry = join(folder, 'entry.js');
    const index = join(REPOSITORY, 'src/index.ts');
    writeFileSync(entry, `export { ${engine} } from ${JSON.stringify(index)};\n`);
    const built = await build({
      configFile: false,
      root: REPOSITORY,
      logLevel: 'error',
      worker: { format: 'es' },
      build: {
        write: false,
        target: 'esnext',
        minify: true,
        modulePreload: false,
        rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' },
      },
    });
    const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
    return outputs.reduce((sum, output) => {
      const content = output.type === 'chunk' ? output.code : output.source;
      return sum + gzipSync(content, { level: LEVEL }).byteLength;
    }, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
