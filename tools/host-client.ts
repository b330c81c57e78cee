/** The page's side of browser-host: sends messages, each after the one before has arrived. */

const MESSAGE_URL = '/__host/message';
const HOLD_URL = '/__host/hold';
/** What `keepalive` allows for one request; it lets a message outlive its page. */
const KEEPALIVE_BYTES_MAX = 60_000;
/** A browser refuses a request that is one too many to keep alive, and fails those of a network process that died. */
const TRIES_MAX = 3;

let lastReport: Promise<void> = Promise.resolve();

/** Resolves when the host has the message. Works in windows and workers alike. */
export function report(kind: string, data: unknown = null): Promise<void> {
  const body = JSON.stringify({ kind, data });
  lastReport = lastReport.then(() => post(body));
  return lastReport;
}

/** Sends a message without waiting; it may arrive after later ones, or never. */
export function tell(kind: string, data: unknown = null): void {
  post(JSON.stringify({ kind, data })).catch(() => {});
}

/**
 * Sends a message and blocks this context for ever: the host is to kill it here, between two steps
 * of a program that could not be stopped there from outside. Returns only if the network process is
 * killed instead.
 */
export function reportAndHold(kind: string, data: unknown = null): void {
  const body = JSON.stringify({ kind, data });
  if (hasNestedLoops()) {
    post(body).catch(() => {});
    for (;;);
  }
  const request = new XMLHttpRequest();
  request.open('POST', HOLD_URL, false);
  try {
    request.send(body);
  } catch {
    return;
  }
  throw new Error('The host let go of a page that it was asked to hold');
}

/** In Firefox a synchronous request delivers events of IndexedDB while it waits, so that its idbTx goes on. */
function hasNestedLoops(): boolean {
  return navigator.userAgent.includes('Gecko/');
}

/** Resolves when the browser's network process is gone, and every connection to the host with it. */
export async function networkLost(): Promise<void> {
  await fetch(HOLD_URL, { method: 'POST', body: JSON.stringify({ kind: 'lifeline' }) }).catch(
    () => {},
  );
}

/** Reports whatever goes wrong unseen in this context, so that the host need not wait in vain. */
export function reportErrors(): void {
  addEventListener('error', (event) => {
    reportFailure(event.error ?? event.message);
  });
  addEventListener('unhandledrejection', (event) => {
    reportFailure(event.reason);
  });
}

async function post(body: string): Promise<void> {
  const fits = new TextEncoder().encode(body).length <= KEEPALIVE_BYTES_MAX;
  for (let tries = 1; ; tries++) {
    try {
      const keepalive = fits && tries === 1;
      const response = await fetch(MESSAGE_URL, { method: 'POST', body, keepalive });
      if (!response.ok) throw new Error(`The host answered ${response.status}`);
      return;
    } catch (error) {
      if (!(error instanceof TypeError) || tries === TRIES_MAX) throw error;
    }
  }
}

function reportFailure(error: unknown): void {
  const data =
    error instanceof Error
      ? { name: error.name, message: error.message, stack: error.stack }
      : { message: String(error) };
  // The host being gone is the one failure there is nobody left to tell about.
  report('page-error', data).catch(() => {});
}
