/**
 * The points that a run passes: the page's own, and those of IndexedDB, which a storage worker asks for the
 * shared engine. Both threads count in the same words, so that there is one order of all.
 *
 *   I1  A point is told where it is passed, or the thread stands still there until it is killed, or the
 *       process of IndexedDB in its stead. Then the run goes on, and no point is told any more.
 *   I2  What the page says of a step is there before anybody is asked to do it.
 */
import { reportAndHold, tell } from '../../../tools/host-client.ts';
import type { CommitRange, TraceEra } from '../../../tools/idb-trace.ts';
import { groupSize } from '../kill-judge.ts';
import type { Point, PointName, Trial } from '../kill-plan.ts';

const WORD = {
  SEQUENCE: 0,
  ERA: 1,
  STEPS_BEGUN: 2,
  STEP: 3,
  IS_READY: 4,
  LARGEST: 5,
  IS_OVER: 6,
} as const;
const WORDS = Object.keys(WORD).length;

/** Shared with the storage worker, where there are such. */
function newWords(): Int32Array {
  const bytes = WORDS * Int32Array.BYTES_PER_ELEMENT;
  const isShared = typeof SharedArrayBuffer === 'function';
  return new Int32Array(isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

/** What another thread needs to pass points of the same run. */
export interface PointsShare {
  readonly trial: Trial;
  readonly words: Int32Array;
}

interface Passed extends Pick<Point, 'name' | 'nth'> {
  readonly commits?: readonly CommitRange[];
}

export class Points {
  readonly share: PointsShare;
  last: PointName | undefined;

  constructor(trial: Trial, words: Int32Array = newWords()) {
    this.share = { trial, words };
  }

  /** Steps begun in this run. */
  get stepsBegun(): number {
    return this.#load('STEPS_BEGUN');
  }

  /** The number in the database of the step begun last. */
  get step(): number {
    return this.#load('STEP');
  }

  get era(): TraceEra {
    const number = this.#load('ERA');
    return { number, stage: this.stepsBegun === 0 ? 'opening' : 'running' };
  }

  /** The run begins on a database with so many steps. */
  found(step: number): void {
    this.#store('STEP', step);
  }

  beginStep(): void {
    this.#store('STEP', this.step + 1);
    this.#store('STEPS_BEGUN', this.stepsBegun + 1);
    this.#store('ERA', this.era.number + 1);
  }

  /** From now on a page that is to be killed at some time tells its points. */
  ready(): void {
    this.#store('IS_READY', 1);
  }

  /** What was to be killed is dead. */
  over(): void {
    this.#store('IS_OVER', 1);
  }

  /** Every point of the run comes by here. */
  passed({ name, nth, commits = [] }: Passed): void {
    const { trial, words } = this.share;
    const sequence = Atomics.add(words, WORD.SEQUENCE, 1) + 1;
    this.last = name;
    const largestGroup = Math.max(this.#load('LARGEST'), groupSize(commits));
    this.#store('LARGEST', largestGroup);
    const point: Point = { name, nth, sequence, step: this.step, commits, largestGroup };
    if (this.#load('IS_OVER') === 1) return;
    if (this.#isTheEnd(point)) this.#hold(point);
    if (trial.kill.at === 'time' && this.#load('IS_READY') === 1) {
      tell('trace', { trial: trial.id, ...point });
    }
  }

  #hold(point: Point): void {
    const { trial } = this.share;
    this.over();
    reportAndHold('held', { trial: trial.id, ...point });
    if (trial.victim !== 'network') throw new Error('The page outlives what was to be killed');
  }

  #isTheEnd(point: Point): boolean {
    const { kill } = this.share.trial;
    const { stepsBegun } = this;
    switch (kill.at) {
      case 'time':
        return false;
      case 'sequence':
        return point.sequence === kill.sequence;
      case 'point': {
        const isInStep = kill.orLater ? stepsBegun >= kill.step : stepsBegun === kill.step;
        return isInStep && kill.name === point.name && kill.nth === point.nth;
      }
    }
  }

  #load(word: keyof typeof WORD): number {
    return Atomics.load(this.share.words, WORD[word]);
  }

  #store(word: keyof typeof WORD, value: number): void {
    Atomics.store(this.share.words, WORD[word], value);
  }
}
