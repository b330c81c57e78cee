/**
 * The page of a trial in which the process of IndexedDB is killed and the page lives on: it does steps until
 * that has happened, looks at what is left with its next statements, and tells. Where the browser gives it
 * another connection, it does some more steps.
 */
import { networkLost } from '../../../tools/host-client.ts';
import type { CallFailure, Survival } from '../kill-plan.ts';
import type { Points } from './kill-points.ts';
import { Told, type Workload } from './kill-workload.ts';

/** A call that fails by itself, for nothing was killed by then. */
const LOSS_TIMEOUT_MS = 30_000;
const BURSTS_AFTER = 2;

export interface Life {
  readonly points: Points;
  open(told?: Told): Promise<Workload>;
  /** Does the prelude and says that the page is ready. */
  begin(workload: Workload): Promise<void>;
  burst(workload: Workload): Promise<void>;
  /** There are more steps to do. */
  goesOn(): boolean;
  done(): Promise<void>;
  /** Asked of the thread that speaks to IndexedDB. */
  isStorageGone(): Promise<boolean>;
  tell(kind: 'bereft' | 'survived', survival: Survival): Promise<void>;
}

export async function outlive(life: Life): Promise<void> {
  const bereaved = new Bereaved(life);
  const first = await bereaved.try('opening', () => life.open(bereaved.told));
  if (first) bereaved.workload = first;
  await bereaved.try('a step', () => bereaved.live());
  await bereaved.isSure();
  if (await life.isStorageGone()) await bereaved.endWithout();
  else await bereaved.goOn();
}

class Bereaved {
  readonly told: Told = new Told();
  workload: Workload | undefined;
  readonly #life: Life;
  readonly #failures: CallFailure[] = [];
  /** Resolves when this page has noticed the death of the process. */
  readonly #loss: Promise<void>;
  #isLost = false;
  #codesTaken = 0;

  constructor(life: Life) {
    this.#life = life;
    this.#loss = networkLost().then(() => {
      this.#isLost = true;
      life.points.over();
    });
  }

  async isSure(): Promise<void> {
    await this.#loss;
  }

  /** Does steps for as long as nothing is killed. */
  async live(): Promise<void> {
    const life = this.#life;
    const workload = await this.#opened();
    await life.begin(workload);
    while (!this.#isLost && life.goesOn()) await life.burst(workload);
    if (!this.#isLost) await life.done();
  }

  async #opened(): Promise<Workload> {
    this.workload ??= await this.#life.open(this.told);
    return this.workload;
  }

  /** There is a connection again: one call may have failed, and everything goes on. */
  async goOn(): Promise<void> {
    const life = this.#life;
    const workload = await this.#opened();
    // Tells once of commits that returned early and were lost, whoever else was told.
    await this.try('looking', () => workload.durable());
    const state = (await this.#look()) ?? (await this.#look());
    if (state) life.points.found(state.found);
    await life.tell('bereft', { storage: 'there', state, ...this.#account() });
    if (!state) return;
    for (let i = 0; i < BURSTS_AFTER; i++) await life.burst(workload);
    const end = await workload.state();
    await life.tell('survived', { storage: 'there', state: end, ...this.#account() });
  }

  /** There will be none: what is in memory may still be read, and nothing be written. */
  async endWithout(): Promise<void> {
    const life = this.#life;
    const state = await this.#look();
    if (state) life.points.found(state.found);
    await this.try('a step', async () => life.burst(await this.#opened()));
    await life.tell('bereft', { storage: 'gone', state, ...this.#account() });
  }

  async #look() {
    return await this.try('looking', async () => {
      const workload = await this.#opened();
      await workload.giveUp();
      return await workload.state();
    });
  }

  #account(): Pick<Survival, 'failures' | 'healed'> {
    return { failures: this.#failures, healed: this.told.healed };
  }

  /** @returns undefined if it failed, which it may do once the process is dead */
  async try<T>(doing: CallFailure['doing'], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      await Promise.race([this.#loss, afterwards(error)]);
      this.#failures.push({ doing, message: String(error), codes: this.#codesOf(error) });
      return undefined;
    }
  }

  /** An error of the package bears its code, one of SQLite only a number: then what the VFS told counts. */
  #codesOf(error: unknown): readonly string[] {
    const told = this.told.codes.slice(this.#codesTaken);
    this.#codesTaken = this.told.codes.length;
    const { code } = error as { readonly code?: unknown };
    return typeof code === 'string' ? [code] : [...new Set(told)];
  }
}

function afterwards(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(error), LOSS_TIMEOUT_MS);
  });
}
