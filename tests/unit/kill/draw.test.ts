import { describe, expect, test } from 'vitest';
import { report } from '../../support/kill-crash-report.ts';
import { BUILDS, crashTrial, DURABILITIES, VICTIMS, WORKLOADS } from '../../support/kill-draw.ts';
import type { Outcome } from '../../support/kill-runner.ts';

const SEED = 5;
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
    expect(kinds(({ victim }) => victim)).toEqual(new Set(VICTIMS));
    expect(kinds(({ kill }) => kill.at)).toEqual(new Set(['time', 'point', 'sequence']));
    expect(new Set(drawn.map((crash) => crash.lives.length))).toEqual(new Set([1, 2]));
    expect(new Set(drawn.map(({ backend }) => backend))).toEqual(new Set(['leveldb', 'sqlite']));
    expect(lives.every(({ claim }) => claim === 'promised')).toBe(true);
  });

  test('keeps to what is fixed', () => {
    const fixed = { backend: 'sqlite', victim: 'tab', workload: 'bulk', build: 'jspi' } as const;
    const crash = crashTrial(SEED, 1, { ...fixed, durability: 'deferred' });
    const { backend, ...ofLife } = fixed;
    expect(crash.backend).toBe(backend);
    expect(crash.lives[0]).toMatchObject({ ...ofLife, durability: 'deferred' });
  });
});

// Goal: the last lines say what was found, no more. Method: forged outcomes.
describe('the report', () => {
  const resultOf = (i: number, outcome: Partial<Outcome>) => {
    const crash = drawn[i];
    const trial = crash?.lives.at(-1);
    if (!crash || !trial) throw new Error(`trial ${i} was not drawn`);
    const bounds = { least: 5, most: 6 };
    const common = { trial, phase: 'commit:record', bounds, found: 5, orphans: 0 };
    return { crash, outcome: { ...common, recoveries: [], problems: [], ...outcome } };
  };

  test('gives the bound of three in n when nothing is broken', () => {
    const text = report(Array.from({ length: 60 }, (_, i) => resultOf(i, {})));
    expect(text).toContain('60 trials');
    expect(text).toContain('0 with a violation; fewer than 5 % of such kills');
  });

  test('counts what was lost, and gives no bound then', () => {
    const problems = [{ check: 'version', text: 'lost' }] as const;
    const text = report([resultOf(0, {}), resultOf(1, { found: 3, problems })]);
    expect(text).toContain('1 with a violation; violations in 50 % of the trials');
    expect(text).toContain('1  2 before the last acknowledged step');
    expect(text).not.toContain('fewer than');
  });
});
