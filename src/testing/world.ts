/** What all connections of a simulation share: its turns, its medium, its quota and faults. */
import { type DatabaseLog, Medium } from './medium.js';
import type { Faults, InFlight, Quota } from './settings.js';
import type { DatabaseState } from './state.js';
import { Turns } from './turns.js';

/** An idbTx as the order of idbTxs sees it. */
export interface Scheduled {
  readonly scope: ReadonlySet<number>;
  readonly mode: IDBTransactionMode;
  /** True from when it may run. */
  readonly started: boolean;
  start(): void;
}

/** A connection as a database's other users see it. */
export interface Connected {
  readonly tab: object;
  /** True once `close` was called on it, or for it. */
  readonly closing: boolean;
  announceVersionChange(oldVersion: number, newVersion: number | null): void;
  forceClose(inFlight: InFlight): void;
  /** The tab is gone: nothing of it is heard any more. */
  die(inFlight: InFlight): void;
}

/** One database, whether it exists or not, and who uses it. */
export class Hub {
  readonly name: string;
  readonly log: DatabaseLog;
  readonly connections: Set<Connected> = new Set();
  /** Called whenever a connection is gone for good. */
  onDisconnected: (() => void) | undefined;
  readonly #order: Scheduled[] = [];

  constructor(name: string, log: DatabaseLog) {
    this.name = name;
    this.log = log;
  }

  disconnect(connection: Connected): void {
    if (this.connections.delete(connection)) this.onDisconnected?.();
  }

  /** Queues an idbTx behind those it must wait for; starts it if there are none. */
  enter(idbTx: Scheduled): void {
    this.#order.push(idbTx);
    this.#startWhatMay();
  }

  leave(idbTx: Scheduled): void {
    const at = this.#order.indexOf(idbTx);
    if (at < 0) return;
    this.#order.splice(at, 1);
    this.#startWhatMay();
  }

  /** Readers wait for earlier overlapping writers, writers for everything earlier that overlaps. */
  #startWhatMay(): void {
    for (const [i, idbTx] of [...this.#order].entries()) {
      if (idbTx.started) continue;
      const waits = this.#order.slice(0, i).some((earlier) => conflict(earlier, idbTx));
      if (!waits) idbTx.start();
    }
  }
}

function conflict(a: Scheduled, b: Scheduled): boolean {
  if (a.mode === 'readonly' && b.mode === 'readonly') return false;
  for (const store of b.scope) if (a.scope.has(store)) return true;
  return false;
}

export interface WorldOptions {
  readonly seed: number;
  readonly traced: boolean;
  readonly databases: ReadonlyMap<string, DatabaseState>;
}

export class World {
  readonly turns: Turns;
  readonly medium: Medium;
  readonly #hubs = new Map<string, Hub>();
  quota: Quota | undefined;
  faults: Faults = {};
  /** idbTxs so far, for traces. */
  idbTxCount = 0;

  constructor(options: WorldOptions) {
    this.turns = new Turns(options.seed, options.traced);
    this.medium = new Medium(options.databases);
  }

  hub(name: string): Hub {
    let hub = this.#hubs.get(name);
    if (!hub) {
      hub = new Hub(name, this.medium.log(name));
      this.#hubs.set(name, hub);
    }
    return hub;
  }

  connections(name?: string): Connected[] {
    return [...this.#hubs.values()]
      .filter((hub) => name === undefined || hub.name === name)
      .flatMap((hub) => [...hub.connections]);
  }

  /** Resolves the choice a caller left to the seed. */
  lands(inFlight: InFlight): boolean {
    return inFlight === 'drawn' ? this.turns.random.coin() : inFlight === 'lands';
  }
}
