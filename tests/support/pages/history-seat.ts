/**
 * A seat of a history: does the sqliteTxs that are planned for it, and tells how each of them went.
 *
 * A deferred commit is acknowledged by `durable()`, and so is whatever was read on top of it.
 */
import { planTx, type SeatJob } from '../history/plan.ts';
import {
  CHANNEL,
  type Said,
  SEAT_LOCK,
  type SeatAnswer,
  type SeatRecord,
} from '../history/protocol.ts';
import { seatAt } from '../history/seats.ts';
import { Engine } from './history-engine.ts';
import { type Connection, perform } from './history-sqlite-tx.ts';

const OPEN_TRIES_MAX = 200;
const OPEN_PAUSE_MS = 50;

/** Serves for as long as this context lives. */
export async function serveSeat(seat: number, idbName: string): Promise<void> {
  const channel = new BroadcastChannel(CHANNEL);
  const tell = (answer: SeatAnswer) => {
    const said: Said = { to: 'control', seat, tell: answer };
    channel.postMessage(said);
  };
  navigator.locks.request(`${SEAT_LOCK}${seat}`, () => new Promise(() => {})).catch(reportError);
  const work = await SeatWork.create(seat, idbName);
  channel.onmessage = ({ data: said }: MessageEvent<Said>) => {
    if (said.to !== 'seat' || said.seat !== seat) return;
    if (said.ask.kind === 'release') work.engine.release(said.ask.lock);
    else
      work.run(said.ask.job, tell).catch((cause: unknown) => {
        tell({ kind: 'failed', why: cause instanceof Error ? `${cause.stack}` : String(cause) });
      });
  };
  tell({ kind: 'ready' });
}

class SeatWork {
  engine: Engine;
  readonly #seat: number;
  readonly #idbName: string;

  private constructor(seat: number, idbName: string, engine: Engine) {
    this.#seat = seat;
    this.#idbName = idbName;
    this.engine = engine;
  }

  static async create(seat: number, idbName: string): Promise<SeatWork> {
    return new SeatWork(seat, idbName, await Engine.create(seatAt(seat).build, idbName));
  }

  async run(job: SeatJob, tell: (answer: SeatAnswer) => void): Promise<void> {
    const { history } = job;
    let connection = await this.#open(job);
    let burst: SeatRecord[] = [];
    for (let sequence = 1; sequence <= job.sqliteTxs; sequence++) {
      const plan = planTx(job, sequence);
      burst.push({ sequence, ...(await perform(connection, plan)) });
      if (burst.length >= job.burst || sequence === job.sqliteTxs || plan.reopens) {
        if (job.durability === 'deferred') burst = await this.#acknowledged(burst, job);
        tell({ kind: 'records', history, records: burst });
        burst = [];
      }
      const { isPoisoned } = this;
      if (plan.reopens || isPoisoned) {
        await connection.close();
        if (isPoisoned) await this.#replaceEngine();
        connection = await this.#open(job);
      }
      await sleep(plan.pauseMs);
    }
    await connection.close();
    tell({ kind: 'done', history });
  }

  /** Its storage worker is lost: on a machine that is very busy, too. */
  get isPoisoned(): boolean {
    return this.engine.errors.some(({ code }) => code === 'STORAGE_WORKER');
  }

  async #replaceEngine(): Promise<void> {
    this.engine = await Engine.create(seatAt(this.#seat).build, this.#idbName);
  }

  /** Waits until they are complete. If that fails, nobody can tell which of them are, and what was read. */
  async #acknowledged(burst: readonly SeatRecord[], { path }: SeatJob): Promise<SeatRecord[]> {
    const error = await this.engine.vfs.durable(path).then(
      () => undefined,
      (cause: unknown) => String(cause),
    );
    const endedAt = Date.now();
    if (error === undefined) return burst.map((record) => ({ ...record, endedAt }));
    return burst.map((record) => ({ ...record, endedAt, error, outcome: 'unknown' }));
  }

  /** Opening reads the schema, so it may meet a database that is busy. */
  async #open(job: SeatJob): Promise<Connection> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#tryOpen(job);
      } catch (cause) {
        if (tries === OPEN_TRIES_MAX) throw cause;
      }
      if (this.isPoisoned) await this.#replaceEngine();
      await sleep(OPEN_PAUSE_MS);
    }
  }

  async #tryOpen(job: SeatJob): Promise<Connection> {
    const { engine } = this;
    const database = await engine.open(job.path);
    const hearsAtOnce = seatAt(this.#seat).build !== 'shared' && job.durability !== 'deferred';
    const connection = { engine, database, hearsAtOnce, close: () => database.close() };
    try {
      await database.run(`PRAGMA cache_size = ${job.cachePages}`);
      await database.run(`PRAGMA synchronous = ${SYNCHRONOUS[job.durability]}`);
      return connection;
    } catch (cause) {
      await database.close();
      throw cause;
    }
  }
}

const SYNCHRONOUS = { strict: 'FULL', relaxed: 'NORMAL', deferred: 'OFF' } as const;

function sleep(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
