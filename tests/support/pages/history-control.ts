/**
 * The control page of the histories: it prepares the database, hears all seats, strikes, and looks at what
 * is left. It is never killed, so what it has heard is evidence from outside of what dies.
 *
 *   prepared ──ask the seats──▶ running ──all that live are done──▶ finale
 */
import type { Deed, HistoryPlan, PageDeed, Strike } from '../history/plan.ts';
import {
  CHANNEL,
  type Control,
  type Deception,
  type Finale,
  type Recording,
  type Said,
  SEAT_LOCK,
  type SeatAnswer,
  type SeatRecord,
} from '../history/protocol.ts';
import { seatAt, seatsOf } from '../history/seats.ts';
import { Engine } from './history-engine.ts';
import { SCHEMA } from './history-sqlite-tx.ts';

declare global {
  /** Done by the runner. */
  var strikeFromOutside: (deed: PageDeed) => Promise<void>;
}

/** Nothing was heard of anybody for so long: they stand still, however slow the machine is. */
const STALL_MS = 120_000;

export class ControlPage implements Control {
  readonly #channel: BroadcastChannel = new BroadcastChannel(CHANNEL);
  readonly #engine: Promise<Engine>;
  readonly #startSeat: (seat: number) => unknown;
  readonly #listeners: Set<(seat: number, answer: SeatAnswer) => void> = new Set();
  /** Seats that have said they are ready, and were not killed since. */
  readonly #ready: Set<number> = new Set();

  constructor(idbName: string, startSeat: (seat: number) => unknown) {
    this.#engine = Engine.create('asyncify', idbName);
    this.#startSeat = startSeat;
    this.#channel.onmessage = ({ data: said }: MessageEvent<Said>) => {
      if (said.to !== 'control') return;
      if (said.tell.kind === 'ready') this.#ready.add(said.seat);
      for (const listener of [...this.#listeners]) listener(said.seat, said.tell);
    };
  }

  async seated(seats: readonly number[]): Promise<void> {
    for (const seat of seats) {
      if (this.#ready.has(seat)) continue;
      const { page } = seatAt(seat);
      if (page === undefined) this.#startSeat(seat);
      else {
        await this.#until(`page ${page} is there`, () => this.#ready.has(-1 - page));
        this.#say({ to: 'page', page, ask: 'start', seat });
      }
    }
    await this.#until(`seats ${seats} are ready`, () =>
      seats.every((seat) => this.#ready.has(seat)),
    );
  }

  async run(plan: HistoryPlan): Promise<Recording> {
    const run = new HistoryRun(plan);
    await this.#prepare(plan);
    const startedAt = Date.now();
    const stop = this.#listen((seat, answer) => run.hear(seat, answer));
    for (const job of plan.jobs) {
      this.#say({ to: 'seat', seat: job.seat, ask: { kind: 'run', job } });
    }
    const strikes = this.#strikes(run);
    await this.#until('the seats are done', () => run.isOver);
    await strikes;
    stop();
    const { records, dead, struck, deceived } = run;
    return {
      plan,
      startedAt,
      records: Object.fromEntries(records),
      dead: [...dead],
      struck,
      deceived,
      finale: await this.#finale(plan),
    };
  }

  async #prepare({ path, pageSize }: HistoryPlan): Promise<void> {
    const database = await (await this.#engine).open(path);
    await database.run(`PRAGMA page_size = ${pageSize}; BEGIN; ${SCHEMA}; COMMIT`);
    await database.close();
  }

  /** One after the other, so that none waits for what another has killed. */
  async #strikes(run: HistoryRun): Promise<void> {
    for (const strike of run.plan.strikes) {
      await this.#until(
        'there is one more to strike',
        () => run.heard >= strike.after || run.isOver,
      );
      if (run.isOver) return;
      const didStrike = await this.#strike(run, strike);
      run.struck.push(didStrike ? strike.kind : `${strike.kind} nobody`);
    }
  }

  /** @returns whether there was something to strike */
  async #strike(run: HistoryRun, strike: Strike): Promise<boolean> {
    const lives = (seat: number) => run.isSeated(seat) && !run.dead.has(seat);
    switch (strike.kind) {
      case 'steal':
      case 'release':
        return await this.#strikeLock(run, strike);
      case 'terminate': {
        const { seat } = strike;
        const { page } = seatAt(seat);
        if (!lives(seat) || page === undefined) return false;
        const terminated = this.#heard(seat, 'terminated');
        this.#say({ to: 'page', page, ask: 'terminate', seat });
        await terminated;
        this.#bury(run, [seat]);
        return true;
      }
      default: {
        const seats = seatsOf(strike.page);
        if (!seats.some(lives)) return false;
        await strikeFromOutside(strike);
        if (strike.kind !== 'freeze' && strike.kind !== 'stop')
          this.#bury(run, [...seats, -1 - strike.page]);
        return true;
      }
    }
  }

  #bury(run: HistoryRun, seats: readonly number[]): void {
    for (const seat of seats) {
      this.#ready.delete(seat);
      run.dead.add(seat);
    }
  }

  async #strikeLock(run: HistoryRun, deed: Deed): Promise<boolean> {
    const { path, jobs } = run.plan;
    const { held = [] } = await navigator.locks.query();
    const lock = held.find(({ name = '', mode }) => mode === 'exclusive' && name.includes(path));
    const { name, clientId } = lock ?? {};
    if (name === undefined) return false;
    const holder = held.find((other) => other.clientId === clientId && isSeatLock(other));
    run.deceived.push({ seats: holder ? [seatOfLock(holder)] : sharedSeats(run), at: Date.now() });
    if (deed.kind === 'steal') {
      await navigator.locks.request(name, { steal: true }, () => sleep(deed.ms)).catch(() => {});
    } else {
      for (const { seat } of jobs) {
        this.#say({ to: 'seat', seat, ask: { kind: 'release', lock: name } });
      }
    }
    return true;
  }

  async #finale({ path, keys }: HistoryPlan): Promise<Finale> {
    const { vfs, ...engine } = await this.#engine.then((engine) => ({
      vfs: engine.vfs,
      open: () => engine.open(path),
    }));
    const startedAt = Date.now();
    const database = await engine.open();
    await database.run('BEGIN');
    const log = await database.rows('SELECT version, id FROM log ORDER BY version');
    const lists: number[][] = [];
    for (let key = 0; key < keys; key++) {
      const rows = await database.rows('SELECT value FROM list WHERE key = ? ORDER BY position', [
        key,
      ]);
      lists.push(rows.map(([value]) => Number(value)));
    }
    await database.run('COMMIT');
    const endedAt = Date.now();
    const integrity = await database.rows('PRAGMA integrity_check');
    await database.close();
    const { defects } = await vfs.verify(path);
    // Who died a moment ago may still be taken for a reader; the next history has a file of its own.
    await vfs.deleteFile(path).catch(unlessBusy);
    return {
      log: log.map(([version, id]) => [Number(version), Number(id)]),
      lists,
      startedAt,
      endedAt,
      defects: [
        ...integrity.map(([text]) => String(text)).filter((text) => text !== 'ok'),
        ...defects.map(({ error }) => error.message),
      ],
    };
  }

  #say(said: Said): void {
    this.#channel.postMessage(said);
  }

  #listen(listener: (seat: number, answer: SeatAnswer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #heard(seat: number, kind: SeatAnswer['kind']): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#listen((from, answer) => {
        if (from !== seat || answer.kind !== kind) return;
        stop();
        resolve();
      });
    });
  }

  /** Looks again whenever something was heard, and from time to time. */
  async #until(what: string, isSo: () => boolean): Promise<void> {
    let lastHeardAt = Date.now();
    while (!isSo()) {
      if (Date.now() - lastHeardAt > STALL_MS) throw new Error(`Not so: ${what}`);
      const heard = new Promise<void>((resolve) => {
        const stop = this.#listen(() => {
          lastHeardAt = Date.now();
          stop();
          resolve();
        });
        setTimeout(() => {
          stop();
          resolve();
        }, 100);
      });
      await heard;
    }
  }
}

/** What was heard of the seats of one history. */
class HistoryRun {
  readonly plan: HistoryPlan;
  readonly records: Map<number, SeatRecord[]> = new Map();
  readonly dead: Set<number> = new Set();
  readonly struck: string[] = [];
  readonly deceived: Deception[] = [];
  readonly #done: Set<number> = new Set();
  #failure: Error | undefined;
  heard = 0;

  constructor(plan: HistoryPlan) {
    this.plan = plan;
  }

  /** @throws when a seat could not go on */
  get isOver(): boolean {
    if (this.#failure) throw this.#failure;
    return this.plan.jobs.every(({ seat }) => this.#done.has(seat) || this.dead.has(seat));
  }

  isSeated(seat: number): boolean {
    return this.plan.jobs.some((job) => job.seat === seat);
  }

  hear(seat: number, answer: SeatAnswer): void {
    if (answer.kind === 'failed') this.#failure = new Error(`Seat ${seat} failed: ${answer.why}`);
    if (!('history' in answer) || answer.history !== this.plan.history) return;
    if (answer.kind === 'done') this.#done.add(seat);
    else {
      this.records.set(seat, [...(this.records.get(seat) ?? []), ...answer.records]);
      this.heard += answer.records.length;
    }
  }
}

/** The locks of a shared engine belong to a worker that is no seat. */
function sharedSeats({ plan }: HistoryRun): number[] {
  return plan.jobs.map(({ seat }) => seat).filter((seat) => seatAt(seat).build === 'shared');
}

function isSeatLock({ name = '' }: LockInfo): boolean {
  return name.startsWith(SEAT_LOCK);
}

function seatOfLock({ name = '' }: LockInfo): number {
  return Number(name.slice(SEAT_LOCK.length));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @throws the error, unless it is that somebody uses the file. */
function unlessBusy(cause: unknown): void {
  if ((cause as { code?: unknown }).code !== 'BUSY') throw cause;
}
