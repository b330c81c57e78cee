/**
 * WebKitGTK is driven by a program that comes with it, WebKitWebDriver: it starts the browser, with a
 * profile of its own in memory, and takes WebDriver's commands over HTTP.
 */
import { createServer } from 'node:net';
import { launcher } from '../../../tools/browsers/start.mjs';
import { findBrowser } from '../../../tools/find-browser.mjs';
import type { Command, Wire } from './page.ts';

const DRIVER = 'WebKitWebDriver';
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

/** Of a session, but for the first. */
const REQUESTS: Readonly<Record<Command, Request>> = {
  NewSession: { method: 'POST', path: '' },
  Navigate: { method: 'POST', path: '/url' },
  ExecuteScript: { method: 'POST', path: '/execute/sync' },
  PerformActions: { method: 'POST', path: '/actions' },
  TakeScreenshot: { method: 'GET', path: '/screenshot' },
};

export async function driveWebKit(profileDir: string): Promise<Wire> {
  const binary = await findBrowser('webkit');
  const launch = await launcher('webkit', { executable: DRIVER, profileDir });
  const port = await freePort();
  const driver = launch.start(`--port=${port}`);
  const close = async () => {
    await driver.kill();
    await launch.close();
  };
  try {
    const sessions = `http://127.0.0.1:${port}/session`;
    const options = { binary, args: ['--automation', '--geometry=1280x1000'] };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    await listening(`http://127.0.0.1:${port}/status`);
    const session = (await ask({ method: 'POST', path: sessions }, { capabilities })) as {
      readonly sessionId: string;
    };
    const send: Wire['send'] = (command, parameters) => {
      const { method, path } = REQUESTS[command];
      return ask({ method, path: `${sessions}/${session.sessionId}${path}` }, parameters);
    };
    return { send, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ask({ method, path }: Request, parameters: object): Promise<unknown> {
  const body = method === 'POST' ? JSON.stringify(parameters) : null;
  const response = await fetch(path, { method, body });
  const { value } = (await response.json()) as { readonly value: unknown };
  if (!response.ok) throw new Error(JSON.stringify(value));
  return value;
}

async function listening(url: string): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; ) {
    if (await fetch(url).then(Boolean, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${DRIVER} does not start`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
