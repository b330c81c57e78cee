/** What every page of this project is served with; without the headers there is no SharedArrayBuffer. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * Has a server of Vite's send them with every response: it leaves them out of one that says that nothing has
 * changed, and WebKit then refuses a worker that it has loaded before.
 *
 * @param {import('vite').Connect.Server} middlewares
 */
export function sendIsolationHeaders(middlewares) {
  middlewares.use((_request, response, next) => {
    for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value);
    next();
  });
}

/** Packages that find their .wasm beside their own module, so Vite must not bundle them. */
export const WASM_PACKAGES = [
  'wa-sqlite-legacy',
  '@journeyapps/wa-sqlite',
  '@livestore/wa-sqlite',
  '@sqlite.org/sqlite-wasm',
  '@npiesco/absurder-sql',
];

/** Packages in CommonJS, or that bring such, which Vite has to convert before a test asks for them. */
export const CONVERTED_PACKAGES = [
  '@jlongster/sql.js',
  'absurd-sql',
  'absurd-sql/dist/indexeddb-backend',
  'absurd-sql/dist/indexeddb-main-thread',
];
