/** Serves the repository's sources to a browser and receives what its pages report. */
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { ISOLATION_HEADERS, sendIsolationHeaders, WASM_PACKAGES } from './serving.mjs';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const MESSAGE_PATH = '/__host/message';
const HOLD_PATH = '/__host/hold';
const PAGE_PATH = '/__host/page';
const DRAIN_TIMEOUT_MS = 5_000;
/**
 * A module that cannot be loaded or linked runs no line of its own that could say so, and WebKit tells
 * nobody of one that fails after it has awaited something.
 *
 * @param {string} module
 */
const script = (module) => `import(${JSON.stringify(module)}).catch((error) => {
  const { name, message, stack } = Object(error);
  const data = { name, message: message ?? String(error), stack };
  fetch('${MESSAGE_PATH}', { method: 'POST', body: JSON.stringify({ kind: 'page-error', data }) });
});`;

/**
 * @typedef {(request: import('node:http').IncomingMessage,
 *   response: import('node:http').ServerResponse) => void} Route
 *
 * @typedef {object} PageServer
 * @property {string} origin
 * @property {() => Promise<void>} drained resolves when no client is connected: nothing more can arrive
 * @property {() => Promise<void>} close
 */

/**
 * @param {object} options
 * @param {(message: { kind: string, data: unknown }) => void} options.onMessage
 * @param {string} [options.root] folder to serve; default: the repository
 * @param {number} [options.port] default: a free one. IndexedDB belongs to an origin, so a profile
 *   that outlives this server is found again only on the same port.
 * @param {Readonly<Record<string, Route>>} [options.routes] what else to serve, by path
 * @returns {Promise<PageServer>}
 */
export async function startPageServer({ onMessage, root = REPOSITORY, port = 0, routes = {} }) {
  const vite = await createServer({
    configFile: false,
    root,
    appType: 'mpa',
    logLevel: 'error',
    // A dependency found late would make Vite reload the page in the middle of its work.
    optimizeDeps: { noDiscovery: true, exclude: WASM_PACKAGES },
    server: {
      host: '127.0.0.1',
      port,
      strictPort: port !== 0,
      headers: ISOLATION_HEADERS,
      hmr: false,
      watch: null,
    },
    plugins: [{ name: 'host', configureServer: (server) => addRoutes(server, onMessage, routes) }],
  });
  await vite.listen();
  const http = vite.httpServer;
  const address = http?.address();
  if (!http || address === null || typeof address !== 'object')
    throw new Error('No port to serve on');
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    origin: `http://127.0.0.1:${address.port}`,
    drained: () => drained(sockets),
    close: () => vite.close(),
  };
}

/**
 * The path of a page whose only content is one module.
 *
 * @param {string} modulePath path in the repository, such as "tests/process/pages/writer.ts"
 * @param {Record<string, string | number | boolean>} [parameters] for the module's location.search
 */
export function modulePage(modulePath, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).map(([k, v]) => [k, String(v)]));
  return `${PAGE_PATH}/${modulePath.replace(/^\//, '')}?${query}`;
}

/**
 * @param {import('vite').ViteDevServer} server
 * @param {(message: { kind: string, data: unknown }) => void} onMessage
 * @param {Readonly<Record<string, Route>>} routes
 */
function addRoutes(server, onMessage, routes) {
  sendIsolationHeaders(server.middlewares);
  server.middlewares.use(MESSAGE_PATH, (request, response) => {
    receive(request, onMessage, () => response.writeHead(204).end());
  });
  // Never answered: whoever waits for it stays where it is until it is killed.
  server.middlewares.use(HOLD_PATH, (request) => receive(request, onMessage, () => {}));
  for (const [path, route] of Object.entries(routes)) server.middlewares.use(path, route);
  server.middlewares.use(PAGE_PATH, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">` +
        `<script type="module">${script(pathname)}</script>`,
    );
  });
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {(message: { kind: string, data: unknown }) => void} onMessage
 * @param {() => void} received
 */
function receive(request, onMessage, received) {
  /** @type {Buffer[]} */
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  // No 'end' comes when the browser dies half-way: such a message was never sent.
  request.on('end', () => {
    onMessage(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    received();
  });
}

/** @param {Set<import('node:net').Socket>} sockets */
async function drained(sockets) {
  const deadline = Date.now() + DRAIN_TIMEOUT_MS;
  while (sockets.size > 0) {
    if (Date.now() > deadline) throw new Error(`${sockets.size} connections outlive the browser`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
