/**
 * P4: wrong bytes are never served.
 *
 * Method: a small store with every class of record, damaged one record at a time: every byte flipped,
 * every length cut to, the record dropped, of another type, copied elsewhere, exchanged with another,
 * stale. Each file is then opened, read, verified and written to (damage.ts).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, onlyOutcome, PATHS } from '../support/crash-plan.ts';
import {
  type Damage,
  flips,
  judge,
  misplacements,
  type RecordAt,
  recordsOf,
  relapses,
  replacements,
  type Specimen,
  truncations,
  type Verdict,
} from '../support/damage.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';
import { type Step, StoreModel } from '../support/store-model.ts';

const SIZE = 2 * UNIT_BYTES;

/** Two changes of the block size: two checkpoints, of which the second leaves something to reclaim. */
const STEPS: readonly Step[] = [
  { changes: [blocks('one.db', 0, 2, 1)], durability: 'strict' },
  { changes: [blocks('one.db', 1, 1, 2), blocks('two.db', 0, 1, 2)], durability: 'strict' },
  { changes: [{ ...blocks('one.db', 0, 1, 3), blockBytes: SIZE }], durability: 'strict' },
  { changes: [blocks('one.db', 1, 1, 4), blocks('two.db', 1, 1, 4)], durability: 'strict' },
  { changes: [{ ...blocks('one.db', 0, 3, 5), blockBytes: UNIT_BYTES }], durability: 'strict' },
  { changes: [blocks('one.db', 1, 1, 6)], durability: 'strict' },
  { changes: [blocks('one.db', 2, 1, 7), blocks('two.db', 0, 1, 7)], durability: 'strict' },
];

let small: Specimen;
let spilled: Specimen;

useGlobals();

beforeAll(async () => {
  small = await specimen(STEPS);
  // Above the marker: two full segments and their owner.
  const rolledBack: Step = {
    changes: [blocks('two.db', 0, 250, 8)],
    durability: 'strict',
    rolledBack: 'late',
  };
  spilled = await specimen([...STEPS.slice(0, 2), rolledBack]);
});

async function specimen(steps: readonly Step[]): Promise<Specimen> {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: PATHS });
  const earlier: Outcome[] = [];
  for (const { changes, durability, rolledBack } of steps) {
    await sim.idle();
    earlier.push(onlyOutcome(sim));
    if (rolledBack) await store.rollBack(changes, rolledBack);
    else await store.commit(changes, durability);
  }
  await store.close();
  await sim.idle();
  const model = new StoreModel(PATHS, steps);
  const files = model.at(model.commits);
  const before = new Map(PATHS.map((path) => [path, model.before(path)] as const));
  const history = new Map(PATHS.map((path) => [path, model.history(path)] as const));
  return { outcome: onlyOutcome(sim), files, before, history, earlier };
}

async function judgeAll(
  on: Specimen,
  damages: (at: RecordAt, all: readonly RecordAt[]) => Iterable<Damage>,
): Promise<Record<Verdict, number>> {
  const counts: Record<Verdict, number> = { same: 0, refused: 0, older: 0 };
  const all = recordsOf(on.outcome);
  for (const at of all) for (const damage of damages(at, all)) counts[await judge(on, damage)]++;
  return counts;
}

test('the store has every class of record', () => {
  const magics = new Set(
    [small, spilled].flatMap(({ outcome }) => {
      const database = outcome.databases.get(VOLUME);
      return [...(database?.stores.values() ?? [])].flatMap(({ name, records }) =>
        [...records].map(({ value: { data } }) => {
          if (name === 'segments') return 'segment';
          return String.fromCharCode(...new Uint8Array(data as ArrayBuffer, 0, 4));
        }),
      );
    }),
  );
  expect([...magics].sort()).toEqual(['IBVC', 'IBVD', 'IBVF', 'IBVM', 'IBVS', 'IBVV', 'segment']);
});

describe('one record is damaged', { timeout: 300_000 }, () => {
  test('every byte of every record', async () => {
    const { same, refused, older } = await judgeAll(small, (at) => flips(at));
    expect(same + refused + older).toBeGreaterThan(10_000);
    expect(refused).toBeGreaterThan(3000);
  });

  test('every length of every record', async () => {
    const { refused } = await judgeAll(small, (at) => truncations(at));
    expect(refused).toBeGreaterThan(1500);
  });

  test('dropped, or of another type', async () => {
    const { refused, older } = await judgeAll(small, replacements);
    expect(refused).toBeGreaterThan(100);
    // Dropping the newest commit record of each file: a commit that never was.
    expect(older).toBeGreaterThan(1);
  });

  test('in another place, or in the place of another', async () => {
    expect((await judgeAll(small, misplacements)).refused).toBeGreaterThan(200);
  });

  test('stale', async () => {
    expect((await judgeAll(small, (at) => relapses(at, small.earlier))).refused).toBeGreaterThan(
      20,
    );
  });

  test('while a sqliteTx has spilled', async () => {
    const sizes = (at: RecordAt) => (at.bytes > 2000 ? 1511 : 3);
    const counts = await judgeAll(spilled, function* (at, all) {
      yield* flips(at, sizes(at));
      yield* truncations(at, sizes(at));
      yield* replacements(at);
      yield* misplacements(at, all);
      yield* relapses(at, spilled.earlier);
    });
    expect(counts.refused).toBeGreaterThan(500);
    expect(counts.same).toBeGreaterThan(100);
  });
});

test('null control: records that prove themselves and are not those that were written', async () => {
  const other = await specimen(
    STEPS.map((step) => ({
      ...step,
      changes: step.changes.map((change) => ({
        ...change,
        writes: new Map([...change.writes].map(([block, mark]) => [block, mark + 1])),
      })),
    })),
  );
  await expect(judge({ ...small, outcome: other.outcome }, noDamage(small))).rejects.toThrow(
    /other content was served/,
  );
});

function noDamage(on: Specimen): Damage {
  const [at] = recordsOf(on.outcome);
  if (!at) throw new Error('There is no record.');
  return { what: 'nothing', at, inflict: () => undefined };
}
