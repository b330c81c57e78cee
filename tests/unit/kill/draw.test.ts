import { describe, expect, test } from 'vitest';
import { report } from '../../support/kill-crash-report.ts';
import { crashTrial, type Fixed, WORKLOADS } from '../../support/kill-draw.ts';
import { BUILDS, ENGINES, engineOf } from '../../support/kill-engines.ts';
import { NEVER_MS, type Point, type Trial } from '../../support/kill-plan.ts';
import type { Outcome } from '../../support/kill-runner.ts';
import { DURABILITIES } from '../../support/kill-strata.ts';

const SEED = 5;
const BACKENDS = ['leveldb', 'sqlite'];
const drawn = Array.from({ length: 400 }, (_, i) => crashTrial(SEED, i + 1));
const lives = drawn.flatMap((crash) => crash.lives);

// Goal: one line replays a trial. Method: draw it again, alone.
describe('a drawn trial', () => {
  test('is the same whenever its seed and index are', () => {
    expect(drawn.map(({ index }) => crashTrial(SEED, index))).toEqual(drawn);
    expect(crashTrial(SEED + 1, 1)).not.toEqual(drawn[0]);
  });

  test('has a volume of its own, and is inspected after its last life only', () => {
    expect(new Set(drawn.map((crash) => crash.lives[0]?.volume)).size).toBe(drawn.length);
    expect(new Set(lives.map(({ id }) => id)).size).toBe(lives.length);
    for (const crash of drawn) {
      const inspected = crash.lives.map(({ inspect }) => inspect);
      expect(inspected).toEqual(crash.lives.map((_, i) => i === crash.lives.length - 1));
    }
  });

  test('may be of any kind', () => {
    const kinds = (of: (life: (typeof lives)[number]) => string) => new Set(lives.map(of));
    expect(kinds(({ workload }) => workload)).toEqual(new Set(WORKLOADS));
    expect(kinds(({ durability }) => durability)).toEqual(new Set(DURABILITIES));
    expect(kinds(({ build }) => build)).toEqual(new Set(BUILDS));
    expect(kinds(({ reader }) => reader)).toEqual(new Set(BUILDS));
    expect(kinds(({ victim }) => victim)).toEqual(new Set(['browser', 'renderer']));
    expect(kinds(({ kill }) => kill.at)).toEqual(new Set(['time', 'point', 'sequence']));
    const delays = lives.map(({ autoSync, maxDelayMs }) => `${autoSync} ${maxDelayMs}`);
    expect(new Set(delays)).toEqual(new Set([`true ${NEVER_MS}`, `false ${NEVER_MS}`, 'false 20']));
    expect(new Set(drawn.map((crash) => crash.lives.length))).toEqual(new Set([1, 2]));
    expect(new Set(drawn.map(({ lane }) => lane.name))).toEqual(new Set(BACKENDS));
    expect(lives.every(({ claim }) => claim === 'promised')).toBe(true);
  });

  test('keeps to what is fixed', () => {
    const ofLife = {
      victim: 'tab',
      workload: 'bulk',
      build: 'jspi',
      reader: 'legacy-shared',
      durability: 'deferred',
    } as const;
    const crash = crashTrial(SEED, 1, { ...ofLife, lane: 'sqlite' });
    expect(crash.lane.name).toBe('sqlite');
    expect(crash.lives[0]).toMatchObject(ofLife);
  });

  test('waits for no point that its engine cannot come to', () => {
    const points = lives.flatMap(({ build, kill }) =>
      kill.at === 'point' ? [`${engineOf(build)} ${kill.name}`] : [],
    );
    for (const engine of ENGINES) {
      const spills = points.filter((point) => point.startsWith(`${engine} spill:`)).length;
      if (engine === 'mirror') expect(spills).toBe(0);
      else expect(spills).toBeGreaterThan(0);
      for (const name of ['commit:record', 'commit:complete', 'recovery:opened']) {
        expect(points).toContain(`${engine} ${name}`);
      }
    }
  });
});

// Goal: few trials have met every engine, not on the average but for certain. Method: the plans of sixty
// trials of many seeds, as a check of every change makes them.
describe('sixty trials of any seed', () => {
  const TRIALS = 60;
  const labelsOf = (seed: number, fixed: Fixed, of: (trial: Trial) => readonly string[]) =>
    new Set(
      Array.from({ length: TRIALS }, (_, i) => crashTrial(seed, i + 1, fixed)).flatMap(
        ({ lane, lives }) => lives.slice(-1).map((trial) => [lane.name, ...of(trial)].join()),
      ),
    );
  const product = (...lists: readonly (readonly string[])[]) =>
    lists.reduce<string[][]>(
      (rows, list) => rows.flatMap((row) => list.map((word) => [...row, word])),
      [[]],
    );
  const directions = ({ build, reader, durability }: Trial) =>
    [engineOf(build), engineOf(reader), durability] as const;
  const seeds = Array.from({ length: 30 }, (_, i) => i * 7919);

  test('hold all nine directions in each durability, on each backend', () => {
    const expected = product(BACKENDS, ENGINES, ENGINES, DURABILITIES).map((row) => row.join());
    for (const seed of seeds) {
      expect(labelsOf(seed, {}, directions), `seed ${seed}`).toEqual(new Set(expected));
    }
  });

  test('hold as many when the backend or the writer is fixed', () => {
    for (const seed of seeds) {
      const onOne = product(['sqlite'], ENGINES, ENGINES, DURABILITIES).map((row) => row.join());
      expect(labelsOf(seed, { lane: 'sqlite' }, directions)).toEqual(new Set(onOne));
      const byOne = product(BACKENDS, ['shared'], ENGINES, DURABILITIES).map((row) => row.join());
      expect(labelsOf(seed, { build: 'shared' }, directions)).toEqual(new Set(byOne));
    }
  });

  test('eighteen of them hold all nine directions already, and each engine in each durability', () => {
    for (const seed of seeds) {
      const trials = Array.from({ length: 18 }, (_, i) => crashTrial(seed, i + 1).lives.at(-1));
      const seen = (of: (trial: Trial) => string) =>
        new Set(trials.flatMap((trial) => (trial ? [of(trial)] : []))).size;
      expect(seen(({ build, reader }) => `${engineOf(build)} ${engineOf(reader)}`)).toBe(9);
      expect(seen(({ build, durability }) => `${engineOf(build)} ${durability}`)).toBe(9);
    }
  });
});

// Goal: the last lines say what was found, no more. Method: forged outcomes.
const POINT: Point = {
  name: 'commit:record',
  nth: 1,
  sequence: 9,
  step: 6,
  commits: [],
  largestGroup: 0,
};

describe('the report', () => {
  const resultOf = (i: number, outcome: Partial<Outcome>) => {
    const crash = drawn[i];
    const trial = crash?.lives.at(-1);
    if (!crash || !trial) throw new Error(`trial ${i} was not drawn`);
    const bounds = { least: 5, most: 6 };
    const common = { trial, phase: 'commit:record', bounds, found: 5, orphans: 0, last: POINT };
    const nothing = { recoveries: [], problems: [], survival: undefined };
    return { crash, outcome: { ...common, ...nothing, ...outcome } };
  };

  test('gives the bound of three in n when nothing is broken', () => {
    const text = report(Array.from({ length: 60 }, (_, i) => resultOf(i, {})));
    expect(text).toContain('60 trials');
    expect(text).toContain('0 with a violation; fewer than 5 % of such kills');
  });

  test('counts who wrote and who read', () => {
    const text = report(drawn.slice(0, 54).map((_, i) => resultOf(i, {})));
    const row = (engine: string) => `${engine.padEnd(14)}${'6'.padStart(14).repeat(3)}`;
    const head = ' '.repeat(14) + ENGINES.map((engine) => engine.padStart(14)).join('');
    expect(text).toContain(['written by ↓, read by →', head, ...ENGINES.map(row)].join('\n'));
  });

  test('counts how pages outlived the process of IndexedDB', () => {
    const survival = 'no call failed';
    const text = report([resultOf(0, {}), resultOf(1, { survival }), resultOf(2, { survival })]);
    expect(text).toContain('outlived the process of IndexedDB\n     2  no call failed\n');
  });

  test('counts the commits that shared an idbTx', () => {
    const deferred = drawn.findIndex(({ lives }) => lives.at(-1)?.durability === 'deferred');
    const commits = [{ file: 1, first: 8, last: 10 }];
    const text = report([resultOf(deferred, { last: { ...POINT, commits, largestGroup: 7 } })]);
    expect(text).toContain('before the last kill\n     1  7\n');
    expect(text).toContain('that the kill hit, so far\n     1  3\n');
  });

  test('counts what was lost, and gives no bound then', () => {
    const problems = [{ check: 'version', text: 'lost' }] as const;
    const text = report([resultOf(0, {}), resultOf(1, { found: 3, problems })]);
    expect(text).toContain('1 with a violation; violations in 50 % of the trials');
    expect(text).toContain('1  2 before the last acknowledged step');
    expect(text).not.toContain('fewer than');
  });
});
