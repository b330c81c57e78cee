/** A block store on a simulation whose clock and idbTxs a test sees. */
import { editRecords, type RecordEditor, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks } from './crash-plan.ts';
import { type Change, Store, type StoreOptions, VOLUME } from './store-dsl.ts';

export const PATH = 'one.db';
/** A base validated longer ago than this is checked again inside the idbTx. */
export const FENCE_WINDOW_MS = 1000;

export class Lab {
  readonly sim = new SimulatedIndexedDB({ trace: false });
  nowMs = 1_000_000;

  async open(options: Partial<StoreOptions> = {}): Promise<Store> {
    const now = () => this.nowMs;
    return await Store.open({ factory: this.sim, paths: [PATH], now, ...options });
  }

  /** Each readwrite idbTx that `work` commits: its stores, and the requests in it, in order. */
  async seen(work: () => Promise<unknown>) {
    const seen: { stores: readonly string[]; requests: string[] }[] = [];
    let requests: string[] = [];
    this.sim.faults = {
      request: ({ mode, operation, store }) => {
        if (mode === 'readwrite') requests.push(`${operation} ${store}`);
        return undefined;
      },
      commit: ({ mode, stores }) => {
        if (mode !== 'readwrite') return undefined;
        seen.push({ stores: [...stores].sort(), requests });
        requests = [];
        return undefined;
      },
    };
    await work();
    this.sim.faults = {};
    return seen;
  }

  async records(): Promise<RecordEditor> {
    await this.sim.idle();
    const [outcome] = this.sim.outcomes('process');
    if (!outcome) throw new Error('nothing is stored');
    return editRecords(outcome, VOLUME);
  }

  async keys(store: string): Promise<IDBValidKey[]> {
    return (await this.records()).keys(store);
  }
}

/** A commit of one segment. */
export const small = (mark: number): Change => blocks(PATH, 0, 2, mark);
