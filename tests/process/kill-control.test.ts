import { expect, test } from 'vitest';
import type { Trial } from '../support/kill-plan.ts';
import { KillRunner, type Outcome } from '../support/kill-runner.ts';
import { anyBuild, killedAt } from '../support/kill-trials.ts';

/** Points of a commit at which it cannot be there yet. */
const TOO_EARLY = ['commit:opened', 'commit:record', 'commit:recorded'] as const;

// Goal: a commit that was acknowledged too soon is reported as lost, so that silence means something.
// Method: a page that acknowledges each step before its COMMIT, held inside the commit and killed there;
// then one that keeps to its promise.
test('an acknowledgement before complete is reported as a lost step', async () => {
  const trials = TOO_EARLY.map((name, i) =>
    killedAt(name, { step: 2, claim: 'executed', build: anyBuild(i) }),
  );
  const judged = await outcomes(trials);
  expect(judged).toHaveLength(TOO_EARLY.length);
  for (const { problems } of judged) {
    expect(problems.map(({ check }) => check)).toEqual(['version']);
    expect(problems[0]?.text).toContain('lost acknowledged steps');
  }
});

test('the same kill of a page that waits for COMMIT breaks nothing', async () => {
  const [outcome] = await outcomes([killedAt('commit:record', { step: 2 })]);
  expect(outcome).toMatchObject({ found: 1, problems: [] });
});

async function outcomes(trials: readonly Trial[]): Promise<Outcome[]> {
  const runner = await KillRunner.start();
  try {
    return await runner.run(trials);
  } finally {
    await runner.close();
  }
}
