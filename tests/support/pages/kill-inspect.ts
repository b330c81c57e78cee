/** Looks at what a killed page left: the page's part of the eight checks. */
import { tell } from '../../../tools/host-client.ts';
import { digestVolume, readRawVolume } from '../../../tools/raw-volume.ts';
import { SHAPES } from '../kill-model.ts';
import {
  type Again,
  type Check,
  EXPORT_ROUTE,
  type Inspection,
  type RecoveryFound,
  type State,
  type Trial,
} from '../kill-plan.ts';
import { Workload } from './kill-workload.ts';

/** A dead page's lock may outlive it for a moment; its orphans then wait for a later opening. */
const SETTLING_RECOVERIES_MAX = 1000;
const SETTLING_PAUSE_MS = 50;

/** Stops at the first check that throws: what was seen until then is evidence all the same. */
export async function inspect(trial: Trial): Promise<Inspection> {
  const inspector = new Inspector(trial);
  await inspector.look();
  return inspector.seen;
}

class Inspector {
  readonly seen: { -readonly [K in keyof Inspection]: Inspection[K] } = {
    failed: undefined,
    before: undefined,
    recoveries: undefined,
    state: undefined,
    verified: undefined,
    recovered: undefined,
    again: undefined,
    exported: undefined,
    next: undefined,
    after: undefined,
  };
  readonly #trial: Trial;
  #check: Check = 'opens';

  constructor(trial: Trial) {
    this.#trial = { ...trial, build: trial.reader };
  }

  async look(): Promise<void> {
    try {
      await this.#recover();
      await this.#recoverAgain();
      await this.#export();
      await this.#goOn();
    } catch (error) {
      const text = error instanceof Error ? `${error}\n${error.stack}` : String(error);
      this.seen.failed = { check: this.#check, error: text };
    }
  }

  /** A check, or what is done before the first one. */
  #comesTo(at: Check | 'the records'): void {
    if (at !== 'the records') this.#check = at;
    tell('looks', { trial: this.#trial.id, at });
  }

  async #recover(): Promise<void> {
    const { seen } = this;
    this.#comesTo('the records');
    seen.before = await readRawVolume(this.#trial.volume);
    this.#comesTo('opens');
    const workload = await Workload.open(this.#trial);
    seen.recoveries = workload.recoveries;
    this.#comesTo('integrity');
    seen.state = await workload.state();
    this.#comesTo('verify');
    seen.verified = await workload.verify();
    await workload.close();
    seen.recovered = await readRawVolume(this.#trial.volume);
  }

  async #recoverAgain(): Promise<void> {
    this.#comesTo('idempotent');
    await this.#settle();
    const before = await digestVolume(this.#trial.volume);
    const workload = await Workload.open(this.#trial);
    const { found } = await workload.state();
    await workload.close();
    const after = await digestVolume(this.#trial.volume);
    const again: Again = { recoveries: workload.recoveries, digests: [before, after], found };
    this.seen.again = again;
  }

  /** Opens until the first recovery had the lock it needs to be complete. */
  async #settle(): Promise<void> {
    let last: readonly RecoveryFound[] = this.seen.recoveries ?? [];
    for (let i = 0; last.some(isIncomplete); i++) {
      if (i === SETTLING_RECOVERIES_MAX) throw new Error('the orphans are never deleted');
      await new Promise((resolve) => setTimeout(resolve, SETTLING_PAUSE_MS));
      const workload = await Workload.open(this.#trial);
      await workload.close();
      last = workload.recoveries;
    }
  }

  async #export(): Promise<void> {
    this.#comesTo('export');
    // The one build that can both wait for its reads and serialize a database.
    const workload = await Workload.open({ ...this.#trial, build: 'asyncify' });
    const { id } = this.#trial;
    const { paths } = SHAPES[this.#trial.workload];
    for (const [i, path] of paths.entries()) {
      const body = await workload.serialize(i);
      const query = new URLSearchParams({ trial: String(id), path });
      const { ok } = await fetch(`${EXPORT_ROUTE}?${query}`, { method: 'POST', body });
      if (!ok) throw new Error(`the host did not take ${path}`);
    }
    await workload.close();
    this.seen.exported = paths;
  }

  /** What was recovered must also take the next step. */
  async #goOn(): Promise<void> {
    this.#comesTo('commits');
    const workload = await Workload.open(this.#trial);
    const found = this.seen.state?.found ?? 0;
    await workload.step(found + 1, { executed: () => Promise.resolve() });
    await workload.durable();
    const next: State = await workload.state();
    this.seen.next = next;
    await workload.close();
    this.seen.after = await readRawVolume(this.#trial.volume);
  }
}

function isIncomplete({ foundAbove, deletedAbove }: RecoveryFound): boolean {
  return foundAbove && !deletedAbove;
}
