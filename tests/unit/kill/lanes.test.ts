import { describe, expect, test } from 'vitest';
import { crashTrial, type Fixed } from '../../support/kill-draw.ts';
import { BUILDS, engineOf } from '../../support/kill-engines.ts';
import { enginesOf, lanesOf } from '../../support/kill-lanes.ts';
import type { Trial } from '../../support/kill-plan.ts';
import { DURABILITIES } from '../../support/kill-strata.ts';

const SEEDS = Array.from({ length: 30 }, (_, i) => i * 7919);

function draw(seed: number, trials: number, fixed: Fixed) {
  return Array.from({ length: trials }, (_, i) => crashTrial(seed, i + 1, fixed));
}

// Goal: a browser is asked for nothing that it lacks, and for all that it has. Method: the plans of many
// trials in each.
describe('in each browser', () => {
  const livesIn = (fixed: Fixed) =>
    draw(5, 400, fixed).flatMap(({ lane, lives }) => lives.map((life) => ({ lane, life })));

  test.each(['firefox', 'webkit'] as const)('%s runs every build it carries', (browser) => {
    const lives = livesIn({ browser });
    for (const lane of lanesOf(browser)) {
      const there = lives.filter((drawn) => drawn.lane === lane).map(({ life }) => life);
      expect(new Set(there.map(({ build }) => build))).toEqual(new Set(lane.builds));
      expect(new Set(there.map(({ reader }) => reader))).toEqual(new Set(lane.builds));
      expect(new Set(there.map(({ victim }) => victim))).toEqual(new Set(lane.victims));
    }
  });

  test('WebKit has no JSPI, and the shared engine where there is SharedArrayBuffer', () => {
    const [plain, shared] = lanesOf('webkit');
    expect(plain?.builds.some((build) => engineOf(build) === 'shared')).toBe(false);
    expect(new Set(shared?.builds)).toEqual(new Set(BUILDS.filter((build) => build !== 'jspi')));
    expect(shared?.env).toHaveProperty('JSC_useSharedArrayBuffer');
  });

  test('a page that is to leave orphans does not outlive its storage', () => {
    const first = livesIn({ browser: 'webkit' }).map(({ life }) => life);
    const leaving = first.filter(
      ({ inspect, kill }) => !inspect && kill.at === 'point' && kill.name.startsWith('spill:'),
    );
    expect(leaving.length).toBeGreaterThan(0);
    expect(leaving.map(({ victim }) => victim)).not.toContain('network');
  });

  test('what only some lanes carry is run there', () => {
    for (const { lane } of draw(5, 6, { browser: 'webkit', reader: 'shared' })) {
      expect(lane.name).toBe('webkit-sab');
    }
  });

  test.each([
    { browser: 'webkit', build: 'jspi' },
    { browser: 'firefox', victim: 'network' },
    { browser: 'firefox', lane: 'leveldb' },
    { victim: 'network' },
  ] satisfies Fixed[])('what it lacks is refused: %o', (fixed) => {
    expect(() => crashTrial(1, 1, fixed)).toThrow('Not everything');
  });
});

// Goal: few trials have met every engine, for certain. Method: as many as it takes, of many seeds.
describe('strata', () => {
  const seen = (trials: readonly Trial[], of: (trial: Trial) => string) =>
    new Set(trials.map(of)).size;
  const lastLives = (seed: number, count: number, fixed: Fixed) =>
    draw(seed, count, fixed).flatMap(({ lives }) => lives.slice(-1));
  const direction = ({ build, reader }: Trial) => `${engineOf(build)} ${engineOf(reader)}`;
  const durable = ({ build, durability }: Trial) => `${engineOf(build)} ${durability}`;

  test('nine trials in Firefox hold all nine directions, and each engine in each durability', () => {
    for (const seed of SEEDS) {
      const trials = lastLives(seed, 9, { browser: 'firefox' });
      expect(seen(trials, direction)).toBe(9);
      expect(seen(trials, durable)).toBe(9);
    }
  });

  test('twelve of the lane with two engines hold the four directions in each durability', () => {
    for (const seed of SEEDS) {
      const trials = draw(seed, 24, { browser: 'webkit' }).filter(
        ({ lane }) => enginesOf(lane).length === 2,
      );
      const lives = trials.flatMap(({ lives }) => lives.slice(-1));
      expect(lives).toHaveLength(12);
      const all = (trial: Trial) => `${direction(trial)} ${trial.durability}`;
      expect(seen(lives, all)).toBe(4 * DURABILITIES.length);
    }
  });
});
