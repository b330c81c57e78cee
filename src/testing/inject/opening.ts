/**
 * Opening and deleting: what happens to the request, and to the database before anybody has it.
 *
 *   I1  An `upgradeneeded` is never held back: the upgrade would be over when it is told.
 *   I2  What is to fail, or never to be answered, opens, upgrades and deletes nothing.
 */
import type { Context } from './context.js';
import type { Fault } from './faults.js';
import {
  call,
  type EventShape,
  failRequest,
  fire,
  isOurs,
  plannedError,
  shapeOf,
} from './genuine.js';
import type { Wait } from './holds.js';
import type { PointEvent } from './points.js';
import { waitOf } from './strikes.js';

export interface OpeningOptions {
  readonly kind: 'open' | 'delete';
  readonly name: string;
  readonly fault: Fault | undefined;
  /** Asks for it. */
  readonly issue: () => IDBOpenDBRequest;
  /** It is there: hooks it. Called once. */
  readonly onConnected: (db: IDBDatabase, upgrade: IDBTransaction | null) => void;
}

const EVENTS = ['success', 'error', 'blocked', 'upgradeneeded'] as const;
const SPOILS: readonly string[] = ['open-error', 'no-answer'];
const ROUNDS = 10;

export class Opening {
  readonly request: IDBOpenDBRequest;
  readonly #context: Context;
  readonly #options: OpeningOptions;
  readonly #rival: Rival | undefined;
  #connected = false;
  #wasBlocked = false;

  constructor(context: Context, options: OpeningOptions) {
    this.#context = context;
    this.#options = options;
    const { fault, issue, name } = options;
    if (fault?.tag === 'open-blocked') this.#rival = new Rival(context.factory.open(name));
    const isSpared = options.kind === 'delete' && fault !== undefined && SPOILS.includes(fault.tag);
    this.request = isSpared ? context.factory.open(name) : issue();
    for (const type of EVENTS) {
      this.request.addEventListener(type, (event) => this.#heard(event), true);
    }
  }

  #heard(event: Event): void {
    if (isOurs(event)) return;
    const { fault } = this.#options;
    if (fault && SPOILS.includes(fault.tag)) this.#spoil(event, fault);
    else if (event.type === 'blocked') this.#blocked(event);
    else if (event.type === 'upgradeneeded') this.#upgrade();
    else this.#answered(event);
  }

  /** I2 */
  #spoil(event: Event, fault: Fault): void {
    event.stopImmediatePropagation();
    const { request } = this;
    if (event.type === 'upgradeneeded') request.transaction?.abort();
    else if (event.type === 'success') request.result.close();
    // Whoever waits for ever is not told of the others either.
    const isAnswer = event.type === 'success' || event.type === 'error';
    if (fault.tag === 'no-answer' || !isAnswer) return;
    // The genuine error would go on to the window, in some browsers.
    event.preventDefault();
    this.#tell('error');
    const name = 'name' in fault ? fault.name : undefined;
    failRequest(request, plannedError(name ?? 'UnknownError'));
  }

  /** Genuinely, by somebody else or by our rival, who then goes. */
  #blocked(event: Event): void {
    this.#wasBlocked = true;
    this.#deliver(event, undefined);
    if (this.#rival) this.#context.holds.hold(() => this.#rival?.leave(), this.#waitAfterBlocked());
  }

  #upgrade(): void {
    this.#tell('upgradeneeded');
    this.#connect();
  }

  #connect(): void {
    if (this.#connected || this.#options.kind === 'delete') return;
    this.#connected = true;
    this.#options.onConnected(this.request.result, this.request.transaction);
  }

  #answered(event: Event): void {
    const { fault } = this.#options;
    const { holds } = this.#context;
    this.#rival?.leave();
    if (event.type === 'success') this.#connect();
    if (fault?.tag === 'delay') {
      this.#deliver(event, waitOf(fault, holds));
    } else if (fault?.tag === 'open-blocked' && !this.#wasBlocked) {
      const versions = { oldVersion: this.#versionBefore(), newVersion: null };
      const wait = this.#waitAfterBlocked();
      const shape = shapeOf(event);
      event.stopImmediatePropagation();
      // Nobody was in its way; it is told so all the same, and answered later.
      this.#tell('blocked');
      fire(this.request, { type: 'blocked', bubbles: false, cancelable: false, versions });
      holds.hold(() => this.#fire(shape), wait);
    } else this.#deliver(event, undefined);
  }

  #versionBefore(): number {
    const result: unknown = this.request.error === null ? this.request.result : undefined;
    return result ? (result as IDBDatabase).version : 0;
  }

  #waitAfterBlocked(): Wait {
    const { fault } = this.#options;
    return { rounds: fault?.tag === 'open-blocked' ? (fault.rounds ?? ROUNDS) : ROUNDS };
  }

  /** Lets an event through, now or when a wait or a freeze is over. */
  #deliver(event: Event, wait: Wait | undefined): void {
    const { holds } = this.#context;
    if (!wait && !holds.isFrozen) {
      this.#tell(event.type as PointEvent);
      return;
    }
    const shape = shapeOf(event);
    event.stopImmediatePropagation();
    const deliver = () => this.#fire(shape);
    if (wait) holds.hold(deliver, wait);
    else holds.queue(deliver);
  }

  #fire(shape: EventShape): void {
    this.#tell(shape.type as PointEvent);
    fire(this.request, shape);
  }

  #tell(event: PointEvent): void {
    const { name } = this.#options;
    this.#context.pass({ kind: 'event', event, database: name, method: this.#options.kind });
  }
}

/** Another tab's connection, which lets nobody through until it leaves. */
class Rival {
  #db: IDBDatabase | undefined;
  #left = false;

  constructor(request: IDBOpenDBRequest) {
    // A database that does not exist is not made by it.
    request.addEventListener('upgradeneeded', () => request.transaction?.abort());
    request.addEventListener('error', (event) => event.preventDefault());
    request.addEventListener('success', () => {
      if (this.#left) request.result.close();
      else this.#db = request.result;
    });
  }

  leave(): void {
    this.#left = true;
    if (this.#db) call(this.#db, 'close');
  }
}

/** Another tab asks for a new version, or for the deletion, and does what it asked for. */
export function startRival(
  factory: IDBFactory,
  db: IDBDatabase,
  then: 'nothing' | 'upgrade' | 'delete',
): void {
  const { name, version } = db;
  if (then === 'delete') {
    factory.deleteDatabase(name);
    return;
  }
  const request = factory.open(name, version + 1);
  request.addEventListener('error', (event) => event.preventDefault());
  request.addEventListener('success', () => request.result.close());
  request.addEventListener('upgradeneeded', () => {
    if (then === 'nothing') request.transaction?.abort();
  });
}
