/**
 * The simulation's clock: one event per turn, one turn per task, in an order drawn from the seed.
 *
 *   I1  Turns of one lane run in the order they were posted; of several lanes, the seed picks one.
 *   I2  A turn ends when its microtasks have run; only then are the onlookers called.
 *   I3  After `halt` nothing runs any more.
 */
import { drained, macrotask, reportUncaught } from './host.js';
import { Random } from './random.js';

/** What is left to do when the turn's microtasks have run. */
export type After = () => void;

/** Called after each turn. */
export type OnTurn = (turn: number, description: string) => void;

interface Turn {
  readonly describe: () => string;
  readonly run: () => Promise<After | undefined> | After | undefined;
}

export class Turns {
  readonly random: Random;
  readonly #lanes = new Map<object, Turn[]>();
  readonly #onlookers = new Set<OnTurn>();
  readonly #idlers: (() => void)[] = [];
  readonly #trace: string[] | undefined;
  #number = 0;
  #scheduled = false;
  #running = false;
  #halted = false;

  constructor(seed: number, traced: boolean) {
    this.random = new Random(seed);
    this.#trace = traced ? [] : undefined;
  }

  /** Turns run so far. */
  get number(): number {
    return this.#number;
  }

  get trace(): readonly string[] {
    return this.#trace ?? [];
  }

  /** True if somebody wants to read descriptions. */
  get traced(): boolean {
    return this.#trace !== undefined;
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** `describe` is asked after `run`, and only if somebody listens. */
  post(lane: object, describe: () => string, run: Turn['run']): void {
    if (this.#halted) return;
    const turns = this.#lanes.get(lane);
    if (turns) turns.push({ describe, run });
    else this.#lanes.set(lane, [{ describe, run }]);
    this.#schedule();
  }

  /** Forgets the turns of a lane. */
  cancel(lane: object): void {
    this.#lanes.delete(lane);
  }

  /** True if one of these lanes has a turn waiting. */
  isWaiting(lanes: Iterable<object>): boolean {
    for (const lane of lanes) if (this.#lanes.has(lane)) return true;
    return false;
  }

  onTurn(onlooker: OnTurn): () => void {
    this.#onlookers.add(onlooker);
    return () => this.#onlookers.delete(onlooker);
  }

  /** Resolves when no turn is waiting. What waits for another connection does not count. */
  idle(): Promise<void> {
    if (!this.#running && this.#lanes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  /** Stops for good: I3. */
  halt(): void {
    this.#halted = true;
    this.#lanes.clear();
    this.#onlookers.clear();
    this.#settleIdlers();
  }

  #schedule(): void {
    if (this.#scheduled || this.#running || this.#lanes.size === 0) return;
    this.#scheduled = true;
    macrotask(() => {
      this.#scheduled = false;
      this.#turn().catch(reportUncaught);
    });
  }

  #take(): Turn | undefined {
    const lanes = [...this.#lanes];
    const picked = lanes[lanes.length > 1 ? this.random.below(lanes.length) : 0];
    if (!picked) return undefined;
    const [lane, turns] = picked;
    const turn = turns.shift();
    if (turns.length === 0) this.#lanes.delete(lane);
    return turn;
  }

  async #turn(): Promise<void> {
    const turn = this.#take();
    if (!turn) {
      this.#settleIdlers();
      return;
    }
    this.#running = true;
    try {
      const started = turn.run();
      const after = started instanceof Promise ? await started : started;
      await drained();
      if (this.#halted) return;
      after?.();
      this.#number++;
      if (this.#trace || this.#onlookers.size > 0) this.#tell(turn.describe());
    } finally {
      this.#running = false;
      if (this.#lanes.size === 0) this.#settleIdlers();
      else this.#schedule();
    }
  }

  #tell(description: string): void {
    this.#trace?.push(`${this.#number} ${description}`);
    for (const onlooker of this.#onlookers) onlooker(this.#number, description);
  }

  #settleIdlers(): void {
    for (const resolve of this.#idlers.splice(0)) resolve();
  }
}
