/** One connection to a simulated volume, with faults to be planned and a clock turned by hand. */
import { Connection } from '../../src/blockstore/connection.js';
import { type Requests, result } from '../../src/blockstore/requests.js';
import { FaultInjector, SimulatedIndexedDB } from '../../src/testing/index.js';
import { HandClock } from './hand-clock.ts';
import { VOLUME } from './store-dsl.ts';

const LIMIT_MS = 4000;
export const TICK_MS = LIMIT_MS / 4;
export const REOPEN_WAITS_MS: readonly number[] = [10, 50, 200];
export const LOST = { code: 'CONNECTION_LOST' };
export const ALWAYS = { times: Number.POSITIVE_INFINITY };

/** Waits before it is opened anew pass at once, unless `waits`. */
export function setUp(more: { factory?: IDBFactory; waits?: boolean } = {}) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const faults = new FaultInjector(sim);
  const clock = new HandClock((ms) => !more.waits && ms < TICK_MS);
  const connection = new Connection({
    name: VOLUME,
    factory: more.factory ?? faults.factory,
    now: () => 7,
    requestTimeoutMs: LIMIT_MS,
    timer: clock.timer,
  });
  const told: unknown[] = [];
  const whys: string[] = [];
  connection.onlost = (why) => {
    told.push('lost');
    whys.push(why);
  };
  connection.onhealed = (reopens) => told.push(reopens);
  connection.onversionchange = () => told.push('versionchange');
  return { sim, faults, clock, connection, told, whys };
}

export async function opened() {
  const all = setUp();
  await all.connection.open();
  return all;
}

export const volumeIn = (r: Requests) => result(r.get('files', ''));

/** Lets everything happen that happens without the clock. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}
