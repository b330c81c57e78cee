/**
 * Firefox speaks WebDriver by itself, over a socket: each packet is its length, a colon, and JSON.
 *
 *   [0, id, "WebDriver:…", parameters]   asks
 *   [1, id, error, result]               answers
 */
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { launcher } from '../../../tools/browsers/start.mjs';
import { findBrowser } from '../../../tools/find-browser.mjs';
import type { Command, Wire } from './page.ts';

/** Firefox picks a port and writes it into its profile. */
const PORT_FILE = 'MarionetteActivePort';
const START_TIMEOUT_MS = 120_000;
const POLL_MS = 50;

export async function driveFirefox(profileDir: string): Promise<Wire> {
  const launch = await launcher('firefox', {
    executable: await findBrowser('firefox'),
    profileDir,
    env: { MOZ_HEADLESS_WIDTH: '1280', MOZ_HEADLESS_HEIGHT: '1000' },
  });
  const browser = launch.start('about:blank', ['--marionette']);
  const close = async () => {
    await browser.kill();
    await launch.close();
  };
  try {
    const socket = connect(await portOf(profileDir), '127.0.0.1');
    const marionette = new Marionette(socket);
    await marionette.send('NewSession', {});
    return { send: (...words) => marionette.send(...words), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function portOf(profileDir: string): Promise<number> {
  const file = join(profileDir, PORT_FILE);
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; ) {
    const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (port > 0) return port;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error('Firefox does not say at which port it can be driven');
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class Marionette {
  readonly #socket: Socket;
  readonly #waiting: Map<number, Waiting> = new Map();
  #received: Buffer = Buffer.alloc(0);
  #asked = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#take();
    });
    const fail = (error: Error) => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('Firefox has hung up')));
  }

  send(command: Command, parameters: object): Promise<unknown> {
    const id = ++this.#asked;
    const packet = JSON.stringify([0, id, `WebDriver:${command}`, parameters]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${Buffer.byteLength(packet)}:${packet}`);
    });
  }

  /** Answers that have come whole; the first packet of all is a greeting. */
  #take(): void {
    for (;;) {
      const colon = this.#received.indexOf(':');
      const end = colon + 1 + Number(this.#received.subarray(0, colon));
      if (colon < 0 || this.#received.length < end) return;
      const packet: unknown = JSON.parse(this.#received.subarray(colon + 1, end).toString());
      this.#received = this.#received.subarray(end);
      if (Array.isArray(packet)) this.#answer(packet as [1, number, object | null, unknown]);
    }
  }

  #answer([, id, error, result]: [1, number, object | null, unknown]): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(JSON.stringify(error)));
    else waiting?.resolve(isValue(result) ? result.value : result);
  }
}

function isValue(result: unknown): result is { readonly value: unknown } {
  return typeof result === 'object' && result !== null && 'value' in result;
}
