/**
 * Events and their targets, with the path an IndexedDB event takes: request → idbTx → database.
 *
 *   I1  Between two listeners the microtasks run, as they do in a browser.
 *   I2  An exception of a listener stops nobody else; it is reported, and `dispatch` tells.
 *
 * The browser's own classes are not used: their events have fixed parents and cost more than a turn.
 */
import { graft } from './graft.js';
import { drained, reportUncaught } from './host.js';

type Phase = 0 | 1 | 2 | 3;

export class SimulatedEvent implements Event {
  readonly NONE = 0;
  readonly CAPTURING_PHASE = 1;
  readonly AT_TARGET = 2;
  readonly BUBBLING_PHASE = 3;
  #type: string;
  #bubbles: boolean;
  #cancelable: boolean;
  #target: EventTarget | null = null;
  #currentTarget: EventTarget | null = null;
  #path: readonly EventTarget[] = [];
  #phase: Phase = 0;
  #canceled = false;
  #stopped = false;
  #stoppedAtOnce = false;

  constructor(type: string, options: EventInit = {}) {
    this.#type = type;
    this.#bubbles = options.bubbles ?? false;
    this.#cancelable = options.cancelable ?? false;
  }

  get type(): string {
    return this.#type;
  }
  get bubbles(): boolean {
    return this.#bubbles;
  }
  get cancelable(): boolean {
    return this.#cancelable;
  }
  get target(): EventTarget | null {
    return this.#target;
  }
  get srcElement(): EventTarget | null {
    return this.#target;
  }
  get currentTarget(): EventTarget | null {
    return this.#currentTarget;
  }
  get eventPhase(): Phase {
    return this.#phase;
  }
  get defaultPrevented(): boolean {
    return this.#canceled;
  }
  get returnValue(): boolean {
    return !this.#canceled;
  }
  set returnValue(value: boolean) {
    if (!value) this.preventDefault();
  }
  get cancelBubble(): boolean {
    return this.#stopped;
  }
  set cancelBubble(value: boolean) {
    if (value) this.#stopped = true;
  }
  get composed(): boolean {
    return false;
  }
  get isTrusted(): boolean {
    return false;
  }
  get timeStamp(): number {
    return 0;
  }

  composedPath(): EventTarget[] {
    return [...this.#path];
  }
  initEvent(type: string, bubbles = false, cancelable = false): void {
    if (this.#phase !== 0) return;
    this.#type = type;
    this.#bubbles = bubbles;
    this.#cancelable = cancelable;
  }
  preventDefault(): void {
    if (this.#cancelable) this.#canceled = true;
  }
  stopPropagation(): void {
    this.#stopped = true;
  }
  stopImmediatePropagation(): void {
    this.#stopped = true;
    this.#stoppedAtOnce = true;
  }

  /** Goes along `path`, target first. @returns true if a listener threw */
  async travel(path: readonly SimulatedEventTarget[]): Promise<boolean> {
    const run: Run = { event: this, threw: false };
    let called = false;
    for (const call of this.#calls(run, path)) {
      if (called) await drained();
      called = true;
      call();
    }
    return run.threw;
  }

  /** As `travel`, with no microtasks on the way: what a program dispatches itself. */
  travelAtOnce(path: readonly SimulatedEventTarget[]): void {
    for (const call of this.#calls({ event: this, threw: false }, path)) call();
  }

  /** The calls of listeners on the way, each to be made before the next is asked for. */
  *#calls(run: Run, path: readonly SimulatedEventTarget[]): Generator<() => void> {
    this.#path = path;
    this.#target = path[0] ?? null;
    for (const target of path.slice(1).reverse()) yield* this.#visit(run, target, 1);
    for (const [i, target] of path.entries()) {
      if (i > 0 && !this.#bubbles) break;
      yield* this.#visit(run, target, i === 0 ? 2 : 3);
    }
    this.#phase = 0;
    this.#currentTarget = null;
    this.#path = [];
  }

  *#visit(run: Run, target: SimulatedEventTarget, phase: 1 | 2 | 3): Generator<() => void> {
    if (this.#stopped) return;
    this.#phase = phase;
    this.#currentTarget = target;
    const listeners = target.listenersOf(this.#type);
    const wanted = [
      ...(phase === 3 ? [] : listeners.filter(({ capture }) => capture)),
      ...(phase === 1 ? [] : listeners.filter(({ capture }) => !capture)),
    ];
    for (const listener of wanted) {
      if (this.#stoppedAtOnce) return;
      if (listener.removed) continue;
      yield () => {
        // The microtasks before this one may have taken it away.
        if (listener.removed) return;
        if (listener.once) target.forget(listener);
        listener.call(run, target);
      };
    }
  }
}
graft(SimulatedEvent, 'Event');

/** One event under way. */
interface Run {
  readonly event: SimulatedEvent;
  threw: boolean;
}

export class SimulatedVersionChangeEvent extends SimulatedEvent implements IDBVersionChangeEvent {
  readonly oldVersion: number;
  readonly newVersion: number | null;

  constructor(type: string, options: IDBVersionChangeEventInit = {}) {
    super(type, options);
    this.oldVersion = options.oldVersion ?? 0;
    this.newVersion = options.newVersion ?? null;
  }
}
graft(SimulatedVersionChangeEvent, 'IDBVersionChangeEvent');

interface ListenerOptions {
  readonly type: string;
  readonly capture: boolean;
  readonly once: boolean;
  /** True for an `on…` property, where returning false prevents the default. */
  readonly isHandler: boolean;
}

class Listener {
  readonly type: string;
  readonly capture: boolean;
  readonly once: boolean;
  readonly #isHandler: boolean;
  callback: object;
  removed = false;

  constructor(callback: object, options: ListenerOptions) {
    this.callback = callback;
    this.type = options.type;
    this.capture = options.capture;
    this.once = options.once;
    this.#isHandler = options.isHandler;
  }

  call(run: Run, target: SimulatedEventTarget): void {
    const { callback } = this;
    try {
      const result: unknown =
        typeof callback === 'function'
          ? Reflect.apply(callback, target, [run.event])
          : (callback as EventListenerObject).handleEvent(run.event);
      if (this.#isHandler && result === false) run.event.preventDefault();
    } catch (error) {
      run.threw = true;
      reportUncaught(error);
    }
  }
}

export class SimulatedEventTarget implements EventTarget {
  readonly #listeners: Listener[] = [];
  readonly #handlers = new Map<string, Listener>();

  addEventListener(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | AddEventListenerOptions = {},
  ): void {
    const { capture = false, once = false, signal } = toOptions(options);
    if (!callback || signal?.aborted || this.#find(type, callback, capture)) return;
    const listener = new Listener(callback, { type, capture, once, isHandler: false });
    this.#listeners.push(listener);
    signal?.addEventListener('abort', () => this.forget(listener));
  }

  removeEventListener(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | EventListenerOptions = {},
  ): void {
    const { capture = false } = toOptions(options);
    const listener = callback && this.#find(type, callback, capture);
    if (listener) this.forget(listener);
  }

  /** For events that a program makes itself. One that is not the simulation's goes no way up. */
  dispatchEvent(event: Event): boolean {
    if (event instanceof SimulatedEvent) {
      event.travelAtOnce(this.#way());
    } else {
      const run = { event: event as SimulatedEvent, threw: false };
      for (const listener of this.listenersOf(event.type)) listener.call(run, this);
    }
    return !event.defaultPrevented;
  }

  /** The next target on an event's way up. */
  protected get above(): EventTarget | null {
    return null;
  }

  #way(): SimulatedEventTarget[] {
    const way: SimulatedEventTarget[] = [this];
    for (let { above } = this as SimulatedEventTarget; above instanceof SimulatedEventTarget; ) {
      way.push(above);
      ({ above } = above);
    }
    return way;
  }

  listenersOf(type: string): Listener[] {
    return this.#listeners.filter((listener) => listener.type === type);
  }

  forget(listener: Listener): void {
    listener.removed = true;
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  #find(type: string, callback: object, capture: boolean): Listener | undefined {
    const handlers = new Set(this.#handlers.values());
    return this.#listeners.find(
      (l) =>
        l.type === type && l.callback === callback && l.capture === capture && !handlers.has(l),
    );
  }

  /** The function in an `on…` property. */
  protected handler<F extends object>(type: string): F | null {
    return (this.#handlers.get(type)?.callback as F | undefined) ?? null;
  }

  /** Sets an `on…` property: a new function takes the place of the old one in the order. */
  protected handle(type: string, callback: object | null): void {
    const before = this.#handlers.get(type);
    if (typeof callback !== 'function') {
      if (before) this.forget(before);
      this.#handlers.delete(type);
    } else if (before) {
      before.callback = callback;
    } else {
      const options = { type, capture: false, once: false, isHandler: true };
      const listener = new Listener(callback, options);
      this.#handlers.set(type, listener);
      this.#listeners.push(listener);
    }
  }
}
graft(SimulatedEventTarget, 'EventTarget');

function toOptions(options: boolean | AddEventListenerOptions): AddEventListenerOptions {
  return typeof options === 'boolean' ? { capture: options } : options;
}
