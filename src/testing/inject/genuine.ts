/** Working on genuine objects: own properties over their methods, and events of our own making. */
import { SimulatedEvent, SimulatedEventTarget, SimulatedVersionChangeEvent } from '../events.js';

/** Covers a property of a genuine object. */
export function define(target: object, property: string, value: unknown): void {
  Object.defineProperty(target, property, { value, configurable: true });
}

/** Calls a genuine method, whatever covers it. */
export function call<T>(target: object, method: string, ...args: unknown[]): T {
  const genuine = Reflect.get(Object.getPrototypeOf(target) as object, method) as (
    ...args: unknown[]
  ) => T;
  return Reflect.apply(genuine, target, args);
}

export function plannedError(name: string): DOMException {
  return new DOMException(`planned ${name}`, name);
}

/** Events made here: they go their way unhindered. */
const ours = new WeakSet<Event>();

export function isOurs(event: Event): boolean {
  return ours.has(event);
}

export interface EventShape {
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  /** Of a version change. */
  readonly versions?: { readonly oldVersion: number; readonly newVersion: number | null };
}

/** What `event` looked like, to make it again later. */
export function shapeOf(event: Event): EventShape {
  const { type, bubbles, cancelable } = event;
  if (!('oldVersion' in event)) return { type, bubbles, cancelable };
  const { oldVersion, newVersion } = event as IDBVersionChangeEvent;
  return { type, bubbles, cancelable, versions: { oldVersion, newVersion } };
}

/** Dispatches an event at once. @returns false if its default was prevented */
export function fire(target: EventTarget, shape: EventShape): boolean {
  const event = makeEvent(target, shape);
  ours.add(event);
  return target.dispatchEvent(event);
}

function makeEvent(target: EventTarget, { type, versions, ...init }: EventShape): Event {
  const simulated = target instanceof SimulatedEventTarget;
  if (versions && simulated) return new SimulatedVersionChangeEvent(type, { ...init, ...versions });
  if (simulated) return new SimulatedEvent(type, init);
  const event = new Event(type, init);
  return versions ? asVersionChange(event, versions) : event;
}

/**
 * WebKit takes a genuine IDBVersionChangeEvent for an answer to a request that it has made, whoever
 * dispatches it, and its page ends when there is none.
 */
function asVersionChange(event: Event, versions: NonNullable<EventShape['versions']>): Event {
  Object.setPrototypeOf(event, IDBVersionChangeEvent.prototype);
  for (const [name, version] of Object.entries(versions)) define(event, name, version);
  return event;
}

/** Makes a request one that failed, and says so. @returns false if the error was prevented */
export function failRequest(request: IDBRequest, error: DOMException): boolean {
  define(request, 'error', error);
  define(request, 'result', undefined);
  return fire(request, { type: 'error', bubbles: true, cancelable: true });
}

/** Aborts an idbTx, which then has this error. */
export function abortWith(idbTx: IDBTransaction, error: DOMException | null): void {
  if (error) define(idbTx, 'error', error);
  try {
    call(idbTx, 'abort');
  } catch {
    // It is past aborting: it completes, as it does for a browser that comes too late.
  }
}

export function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}

/** Resolves when it completed. Rejects when it aborted. */
export function completed(idbTx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    idbTx.addEventListener('complete', () => resolve());
    idbTx.addEventListener('abort', () => reject(idbTx.error ?? plannedError('AbortError')));
  });
}
