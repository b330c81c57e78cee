/** The page's side of browser-host: sends messages, each after the one before has arrived. */

const MESSAGE_URL = '/__host/message';
const HOLD_URL = '/__host/hold';
/** What `keepalive` allows for one request; it lets a message outlive its page. */
const KEEPALIVE_BYTES_MAX = 60_000;

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
 * of a program that could not be stopped there from outside.
 */
export function reportAndHold(kind: string, data: unknown = null): never {
  const request = new XMLHttpRequest();
  request.open('POST', HOLD_URL, false);
  request.send(JSON.stringify({ kind, data }));
  throw new Error('The host let go of a page that it was asked to hold');
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
  const keepalive = new TextEncoder().encode(body).length <= KEEPALIVE_BYTES_MAX;
  const response = await fetch(MESSAGE_URL, { method: 'POST', body, keepalive });
  if (!response.ok) throw new Error(`The host answered ${response.status}`);
}

function reportFailure(error: unknown): void {
  const data =
    error instanceof Error
      ? { name: error.name, message: error.message, stack: error.stack }
      : { message: String(error) };
  // The host being gone is the one failure there is nobody left to tell about.
  report('page-error', data).catch(() => {});
}
