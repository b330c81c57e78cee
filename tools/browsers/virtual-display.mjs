/** An X display that nobody sees, for a browser that cannot do without. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dyingWithUs } from '../dying-with-us.mjs';

const START_TIMEOUT_MS = 30_000;

/** @returns {Promise<{ name: string, close: () => Promise<void> }>} name: for DISPLAY */
export async function startDisplay() {
  // It picks a free number itself and tells it on the fourth channel.
  const server = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise((resolve) => {
    server.once('error', resolve);
    server.once('exit', resolve);
  });
  // Not SIGKILL: it has a lock and a socket to remove.
  const forget = dyingWithUs(() => server.kill());
  const close = async () => {
    server.kill();
    await ended;
    forget();
  };
  const channel = /** @type {import('node:stream').Readable} */ (server.stdio[3]);
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  try {
    const started = once(channel, 'data', { signal: timeout });
    const told = await Promise.race([started, ended]);
    started.catch(() => {});
    if (!Array.isArray(told)) throw told instanceof Error ? told : new Error('it ended at once');
    return { name: `:${String(told[0]).trim()}`, close };
  } catch (cause) {
    await close();
    throw new Error('Xvfb does not start: is it installed? (Debian: "apt-get install xvfb")', {
      cause,
    });
  }
}
