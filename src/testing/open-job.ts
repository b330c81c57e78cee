/**
 * Opening and deleting databases. Per name one job at a time, in the order they were asked for.
 *
 *   waiting ──turn──▶ notifying (versionchange at every other connection) ──▶ blocked ──▶ ready
 *                                               └──all closed──────────────────────────▶ ready
 *   ready ──open, no upgrade──▶ done          ready ──upgrade──▶ done | failed
 *   ready ──delete: window, landed──▶ done
 */
import { SimulatedDatabase } from './database.js';
import { SimulatedEvent, SimulatedVersionChangeEvent } from './events.js';
import { exception } from './exceptions.js';
import { Pending } from './medium.js';
import type { SimulatedOpenRequest } from './request.js';
import type { After } from './turns.js';
import type { Hub, World } from './world.js';

type Step = Promise<After | undefined> | After | undefined;

abstract class Job {
  readonly tab: object;
  protected readonly world: World;
  protected readonly hub: Hub;
  protected readonly request: SimulatedOpenRequest;
  #over = false;
  #watch: (() => void) | undefined;

  constructor(deps: { world: World; hub: Hub; tab: object; request: SimulatedOpenRequest }) {
    this.world = deps.world;
    this.hub = deps.hub;
    this.tab = deps.tab;
    this.request = deps.request;
  }

  /** Called when it is over, so that the next one of this name may start. */
  onover: (() => void) | undefined;

  abstract start(): void;

  protected post(what: string, run: () => Step): void {
    this.world.turns.post(this, () => `${this.hub.name} ${what}`, run);
  }

  /** Announces the change to the other connections, waits until they are gone, goes on. */
  protected clearTheWay(newVersion: number | null, goOn: () => void): void {
    const { hub } = this;
    const others = [...hub.connections];
    const oldVersion = hub.log.head?.version ?? 0;
    for (const other of others) {
      if (!other.closing) other.announceVersionChange(oldVersion, newVersion);
    }
    const isClear = () => !others.some((other) => hub.connections.has(other));
    if (others.length === 0) {
      goOn();
      return;
    }
    this.#whenAnnounced(async () => {
      if (isClear()) return goOn;
      const event = new SimulatedVersionChangeEvent('blocked', { oldVersion, newVersion });
      await event.travel([this.request]);
      return () => this.#whenClear(isClear, goOn);
    });
  }

  /** The announcements are turns of other lanes: goes on when none of them is left. */
  #whenAnnounced(run: () => Promise<After>): void {
    this.post('waits for versionchange', () =>
      this.world.turns.isWaiting(this.hub.connections) ? () => this.#whenAnnounced(run) : run(),
    );
  }

  #whenClear(isClear: () => boolean, goOn: () => void): void {
    const look = () => {
      if (!isClear()) return;
      this.#stopWatching();
      goOn();
    };
    this.#watch = look;
    this.hub.onDisconnected = look;
    look();
  }

  #stopWatching(): void {
    if (this.#watch && this.hub.onDisconnected === this.#watch) this.hub.onDisconnected = undefined;
    this.#watch = undefined;
  }

  protected async succeed(result: unknown, event: SimulatedEvent): Promise<After> {
    this.request.succeed(result);
    await event.travel([this.request]);
    return () => this.end();
  }

  protected async fail(error: DOMException): Promise<After> {
    this.request.fail(error);
    const event = new SimulatedEvent('error', { bubbles: true, cancelable: true });
    await event.travel([this.request]);
    return () => this.end();
  }

  protected end(): void {
    if (this.#over) return;
    this.#over = true;
    this.onover?.();
  }

  /** Its tab is gone. */
  die(): void {
    this.world.turns.cancel(this);
    this.#stopWatching();
    this.end();
  }
}

export class OpenJob extends Job {
  readonly #version: number | undefined;

  constructor(deps: ConstructorParameters<typeof Job>[0], version: number | undefined) {
    super(deps);
    this.#version = version;
  }

  start(): void {
    this.post(`open ${this.#version ?? ''}`, () => this.#open());
  }

  #open(): Step {
    const fault = this.world.faults.open?.(this.hub.name);
    // Nobody hears of this one again; the next of this name gets its turn all the same.
    if (fault === 'never') return () => this.end();
    if (fault) return this.fail(fault);
    const found = this.hub.log.head?.version ?? 0;
    const version = this.#version ?? (found || 1);
    if (version < found) {
      return this.fail(exception('VersionError', `The version is ${found}, not ${version}.`));
    }
    if (version === found) return this.#connected();
    return () => this.clearTheWay(version, () => this.#postUpgrade(version));
  }

  #connected(): Promise<After> {
    const connection = new SimulatedDatabase(this.world, this.hub, this.tab);
    return this.succeed(connection, new SimulatedEvent('success'));
  }

  #postUpgrade(version: number): void {
    this.post(`upgradeneeded ${version}`, async () => {
      const connection = new SimulatedDatabase(this.world, this.hub, this.tab);
      const oldVersion = connection.version;
      const idbTx = connection.beginUpgrade(version);
      connection.onupgraded = (committed) => this.#postResult(connection, committed);
      this.request.succeed(connection);
      this.request.attach(idbTx);
      const event = new SimulatedVersionChangeEvent('upgradeneeded', {
        oldVersion,
        newVersion: version,
      });
      const threw = await event.travel([this.request]);
      return () => {
        if (threw) idbTx.fail(exception('AbortError', 'A listener threw.'));
        else idbTx.rest();
      };
    });
  }

  #postResult(connection: SimulatedDatabase, committed: boolean): void {
    this.request.attach(null);
    if (!committed) this.request.again();
    this.post(committed ? 'opened' : 'upgrade aborted', () => {
      if (committed && !connection.closing) {
        this.request.succeed(connection);
        return this.succeed(connection, new SimulatedEvent('success'));
      }
      connection.close();
      return this.fail(
        exception('AbortError', 'The upgrade was aborted or its connection closed.'),
      );
    });
  }
}

export class DeleteJob extends Job {
  start(): void {
    this.post('deleteDatabase', () => {
      if (this.hub.log.head === undefined) return this.#deleted(0);
      return () => this.clearTheWay(null, () => this.#postWindow());
    });
  }

  #postWindow(): void {
    this.post('delete begins', () => {
      const pending = new Pending(() => undefined);
      const version = this.hub.log.head?.version ?? 0;
      this.hub.log.open(pending);
      this.post('delete lands', () => {
        this.hub.log.land(pending);
        this.post('deleted', () => this.#deleted(version));
        return undefined;
      });
      return undefined;
    });
  }

  #deleted(oldVersion: number): Promise<After> {
    const options = { oldVersion, newVersion: null };
    return this.succeed(undefined, new SimulatedVersionChangeEvent('success', options));
  }
}
