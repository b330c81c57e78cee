/** Whether what was salvaged of a file is true, block by block: held against what its commits wrote. */
import { expect } from 'vitest';
import type { PageRange } from '../../src/recovery/defect.js';
import type { Salvage } from '../../src/recovery/salvage.js';
import { editRecords, type Outcome } from '../../src/testing/index.js';
import { outcomeOf, PATH, salvaged, simulated } from './damaged.ts';
import { VOLUME } from './store-dsl.ts';
import type { StoreModel } from './store-model.ts';

const pagesIn = (ranges: readonly PageRange[]): Set<number> =>
  new Set(
    ranges.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    ),
  );

export interface Found {
  /** Pages reported as lost that had something in them. */
  readonly lost: number;
  readonly older: number;
  /** Pages that were cut off, and are back. */
  readonly back: number;
  readonly untold: number;
}

/** Salvages, and expects each page to be as the model has it at the version aimed at, or reported. */
export function honestyOf(model: StoreModel): (outcome: Outcome) => Promise<Found> {
  /** Every mark the block ever had. */
  const everOf = (block: number): (number | undefined)[] =>
    Array.from({ length: model.commits }, (_, i) => model.at(i + 1).get(PATH)?.marks[block]);

  return async (outcome) => {
    const factory = simulated(outcome);
    const { report, content } = await salvaged(factory);
    const truth = model.at(report.version).get(PATH)?.marks ?? [];
    const lost = pagesIn(report.lost);
    const older = pagesIn(report.older);
    expect(report.headerLost).toBe(lost.has(1));
    let back = 0;
    const lies: string[] = [];
    for (let block = 0; block < Math.max(truth.length, content.marks.length); block++) {
      const [mark, expected] = [content.marks[block], truth[block]];
      const isLost = lost.has(block + 1);
      if (mark === expected && !isLost && !older.has(block + 1)) continue;
      const isBack = expected === undefined && report.untold.length > 0;
      const isTold = older.has(block + 1) || isBack || isUntold(report, expected);
      const isHonest = isLost
        ? mark === undefined
        : mark !== expected && isTold && everOf(block).includes(mark);
      if (isHonest && isBack && !isLost && !older.has(block + 1)) back++;
      if (!isHonest)
        lies.push(`block ${block} of version ${report.version}: ${mark}, not ${expected}`);
    }
    expect(lies).toEqual([]);
    const unchanged = editRecords(await outcomeOf(factory), VOLUME);
    const before = editRecords(outcome, VOLUME);
    for (const store of ['files', 'commits', 'maps', 'segments']) {
      for (const key of before.keys(store)) {
        if (key === '' || same(unchanged.get(store, key), before.get(store, key))) continue;
        throw new Error(`${store} ${JSON.stringify(key)} was changed`);
      }
    }
    const lostPages = [...lost].filter((page) => truth[page - 1] !== undefined);
    return { lost: lostPages.length, older: older.size, back, untold: report.untold.length };
  };
}

function same(a: unknown, b: unknown): boolean {
  if (!(a instanceof ArrayBuffer && b instanceof ArrayBuffer)) return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}

/** Whether the mark is of a version that the report knows nothing about. */
function isUntold({ untold }: Salvage['report'], mark: number | undefined): boolean {
  const version = Math.floor((mark ?? 0) / 65536);
  return untold.some(({ first, last }) => first <= version && version <= last);
}
