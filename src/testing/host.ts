/**
 * Macrotasks and the end of the microtasks, in Node and in browsers.
 *
 * `drained` answers when every microtask that is waiting has run, those they start included. Node
 * can tell exactly: a tick posted from a microtask runs when the microtask queue is empty. A browser
 * can only wait for the next task, of the highest priority where there are priorities; so there a
 * foreign task may come in between.
 */
type Post = (callback: () => void) => void;

interface Host {
  readonly setImmediate?: Post;
  readonly process?: { readonly nextTick?: Post };
  readonly reportError?: (error: unknown) => void;
  readonly MessageChannel?: typeof MessageChannel;
  readonly scheduler?: {
    postTask?(
      callback: () => void,
      options: { readonly priority: 'user-blocking' },
    ): Promise<unknown>;
  };
}

const host: Host = globalThis;
const immediate: Post | undefined = host.setImmediate;
const tick: Post | undefined = host.process?.nextTick;
let channel: Post | undefined;

/** Runs `callback` as a task of its own. */
export function macrotask(callback: () => void): void {
  if (immediate) {
    immediate(callback);
    return;
  }
  channel ??= openChannel();
  channel(callback);
}

/** Runs `callback` when the task under way has run all its microtasks. */
export function afterMicrotasks(callback: () => void): void {
  if (tick) queueMicrotask(() => tick(callback));
  else if (host.scheduler?.postTask) postUrgent(callback);
  else macrotask(callback);
}

export function drained(): Promise<void> {
  return new Promise((resolve) => afterMicrotasks(resolve));
}

/** Treats an exception of a listener as a browser does: nobody catches it, but it is reported. */
export function reportUncaught(error: unknown): void {
  if (host.reportError) host.reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}

function postUrgent(callback: () => void): void {
  host.scheduler?.postTask?.(callback, { priority: 'user-blocking' }).catch(reportUncaught);
}

function openChannel(): Post {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(null);
  };
}
