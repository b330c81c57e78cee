/** Workloads drawn from a seed: operations of the alphabet, and writes here and there. */
import type { Durability } from '../../src/types.js';
import { OPERATIONS, type Operation, stepsFrom } from './operations.ts';
import type { Seeded } from './seeded.ts';
import type { Step } from './store-model.ts';

const FILES = ['one.db', 'two.db', 'three.db'];
/** Its 2,049 blocks would take most of the time; it has its place in other gates. */
const RARE = 'checkpoint';

export interface Draw {
  readonly steps: { readonly least: number; readonly most: number };
  readonly durabilities: readonly Durability[];
  /** Leave out operations that other code of the test cannot follow. */
  readonly without?: readonly string[];
}

export interface Drawn {
  readonly steps: readonly Step[];
  /** Names of the operations, for messages. */
  readonly names: readonly string[];
}

export function drawSteps(random: Seeded, draw: Draw): Drawn {
  const { least, most } = draw.steps;
  const known = Object.keys(OPERATIONS).filter((name) => !draw.without?.includes(name));
  const operations: Operation[] = [];
  const names: string[] = [];
  for (let left = random.between(least, most); left > 0; left--) {
    const name = random.chance(0.4) ? 'scatter' : random.pick(known);
    const drawn = name === RARE && random.chance(0.9) ? 'scatter' : name;
    names.push(drawn);
    operations.push(OPERATIONS[drawn] ?? scatter(random));
  }
  const durabilities = operations.map(() => random.pick(draw.durabilities));
  return { steps: stepsFrom(operations, { durabilities }), names };
}

/** A few blocks of one or two files, sometimes behind a cut. */
function scatter(random: Seeded): Operation {
  const paths = FILES.filter(() => random.chance(0.4));
  const places = (paths.length > 0 ? paths : ['one.db']).map((path) => ({
    path,
    blocks: Array.from({ length: random.between(1, 5) }, () => random.between(0, 20)),
    cut: random.chance(0.2) ? 2 * random.between(0, 8) : undefined,
  }));
  const drains = random.chance(0.2);
  return ({ mark, durability }) => ({
    changes: places.map(({ path, blocks, cut }) => ({
      path,
      writes: new Map(blocks.map((block) => [block, mark * 4096 + block])),
      ...(cut === undefined ? {} : { truncateTo: cut }),
    })),
    durability,
    ...(drains ? { first: 'drain' } : {}),
  });
}
