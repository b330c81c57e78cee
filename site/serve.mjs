/** Serves the page, and the cities it loads. */
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { readCities } from '../demo/cities.mjs';
import { ISOLATION_HEADERS, sendIsolationHeaders, WASM_PACKAGES } from '../tools/serving.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** @param {{ port: number }} options 0: a free one */
export async function startSite({ port }) {
  const server = await createServer({
    configFile: false,
    root: HERE,
    logLevel: 'error',
    cacheDir: `${REPOSITORY}/node_modules/.cache/site`,
    optimizeDeps: { exclude: WASM_PACKAGES },
    server: {
      host: '127.0.0.1',
      port,
      headers: ISOLATION_HEADERS,
      fs: { allow: [REPOSITORY] },
      watch: null,
    },
    plugins: [
      {
        name: 'cities',
        configureServer({ middlewares }) {
          sendIsolationHeaders(middlewares);
          middlewares.use('/cities.jsonl', (_request, response) => {
            response.end(readCities().lines.join('\n'));
          });
        },
      },
    ],
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0] ?? '';
  return { url, close: () => server.close() };
}
