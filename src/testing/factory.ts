/**
 * IDBFactory, and a tab: one context that uses the simulated IndexedDB, and can vanish.
 */
import { graft } from './graft.js';
import { compareKeys, requireKey } from './keys.js';
import { DeleteJob, OpenJob } from './open-job.js';
import { SimulatedOpenRequest } from './request.js';
import type { InFlight } from './settings.js';
import type { World } from './world.js';

const VERSION_MAX = Number.MAX_SAFE_INTEGER;

type Job = OpenJob | DeleteJob;

/** Jobs by the name of the database, for all tabs of a world. */
export class Jobs {
  readonly #queues = new Map<string, Job[]>();

  add(name: string, job: Job): void {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    queue.push(job);
    job.onover = () => {
      const wasFirst = queue[0] === job;
      queue.splice(queue.indexOf(job), 1);
      if (wasFirst) queue[0]?.start();
    };
    if (queue.length === 1) job.start();
  }

  of(tab: object): Job[] {
    return [...this.#queues.values()].flat().filter((job) => job.tab === tab);
  }
}

/** A context of its own: a tab or worker. */
export class SimulatedTab implements IDBFactory {
  readonly #world: World;
  readonly #jobs: Jobs;
  #dead = false;

  constructor(world: World, jobs: Jobs) {
    this.#world = world;
    this.#jobs = jobs;
  }

  /** As `IDBFactory.open`. A dead tab gets no answer. */
  open(name: string, version?: number): IDBOpenDBRequest {
    const request = new SimulatedOpenRequest();
    const wanted = version === undefined ? undefined : toVersion(version);
    if (this.#dead) return request;
    const hub = this.#world.hub(String(name));
    const deps = { world: this.#world, hub, tab: this, request };
    this.#jobs.add(hub.name, new OpenJob(deps, wanted));
    return request;
  }

  /** As `IDBFactory.deleteDatabase`. A dead tab gets no answer. */
  deleteDatabase(name: string): IDBOpenDBRequest {
    const request = new SimulatedOpenRequest();
    if (this.#dead) return request;
    const hub = this.#world.hub(String(name));
    this.#jobs.add(hub.name, new DeleteJob({ world: this.#world, hub, tab: this, request }));
    return request;
  }

  /** As `IDBFactory.databases`. */
  databases(): Promise<IDBDatabaseInfo[]> {
    return new Promise((resolve) => {
      this.#world.turns.post(
        {},
        () => 'databases',
        () => {
          const heads = [...this.#world.medium.heads()];
          resolve(heads.map(([name, { version }]) => ({ name, version })));
          return undefined;
        },
      );
    });
  }

  /** As `IDBFactory.cmp`. @throws DataError for what is no key */
  cmp(first: unknown, second: unknown): number {
    return compareKeys(requireKey(first), requireKey(second));
  }

  /** The tab dies: its idbTxs vanish, and it hears nothing any more. */
  kill(inFlight: InFlight = 'drawn'): void {
    this.#dead = true;
    for (const connection of this.#world.connections()) {
      if (connection.tab === this) connection.die(inFlight);
    }
    for (const job of this.#jobs.of(this)) job.die();
  }
}
graft(SimulatedTab, 'IDBFactory');

/** A WebIDL `[EnforceRange] unsigned long long` that is not 0. */
function toVersion(value: unknown): number {
  const version = Math.trunc(Number(value));
  if (version >= 1 && version <= VERSION_MAX) return version;
  throw new TypeError('The version is not a positive integer.');
}
