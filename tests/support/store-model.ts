/** What the files of a store must contain after each sqliteTx, and which of these a crash may leave. */
import type { CrashKind } from '../../src/testing/index.js';
import type { Durability } from '../../src/types.js';
import type { Change, Content, Store } from './store-dsl.ts';

/** A sqliteTx as a workload lists it. */
export interface Step {
  readonly changes: readonly Change[];
  readonly durability: Durability;
  /** If it is rolled back: at once, or when all it spilled is in the store. */
  readonly rolledBack?: 'early' | 'late';
}

/** Said by a workload: a commit began, or was acknowledged. */
export interface Notice {
  readonly commit: number;
  readonly what: 'began' | 'acknowledged';
  readonly durability: Durability;
}

type Files = ReadonlyMap<string, Content>;

export class StoreModel {
  /** The files after each commit; 0 is before the first. */
  readonly #after: Files[];

  constructor(paths: readonly string[], steps: readonly Step[]) {
    const empty: Content = { version: 0, marks: [] };
    this.#after = [new Map(paths.map((path) => [path, empty]))];
    for (const step of steps) if (!step.rolledBack) this.#append(step);
  }

  #append(step: Step): void {
    const files = new Map(this.#after.at(-1));
    for (const change of step.changes) {
      const before = files.get(change.path);
      if (!before) throw new Error(`${change.path} is not a file of this model`);
      files.set(change.path, changed(before, change));
    }
    this.#after.push(files);
  }

  at(commit: number): Files {
    return this.#after[commit] as Files;
  }

  /**
   * The commit at which the store stands.
   * @throws if there is none, or it is not one that the crash may leave
   */
  async verify(
    store: Store,
    crash: { readonly acknowledged: readonly Notice[]; readonly kind: CrashKind },
  ): Promise<number> {
    const found = new Map<string, Content>();
    for (const path of store.files.keys()) found.set(path, await store.read(path));
    const commit = this.#after.findIndex((files) =>
      [...files].every(([path, content]) => sameContent(found.get(path), content)),
    );
    if (commit < 0) throw new Error(`No commit left this: ${describe(found)}`);
    const [least, most] = allowed(crash);
    if (commit < least || commit > most) {
      throw new Error(`Recovered commit ${commit}, but ${least} … ${most} are allowed.`);
    }
    return commit;
  }
}

/** The first and the last commit that may be found after a crash. */
function allowed(crash: {
  readonly acknowledged: readonly Notice[];
  readonly kind: CrashKind;
}): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const { commit, what, durability } of crash.acknowledged) {
    most = Math.max(most, commit);
    const stays = durability === 'strict' || (durability === 'relaxed' && crash.kind === 'process');
    if (what === 'acknowledged' && stays) least = Math.max(least, commit);
  }
  return [least, most];
}

function changed(before: Content, change: Change): Content {
  const marks = before.marks.slice(0, change.truncateTo ?? before.marks.length);
  while (marks.length < (change.truncateTo ?? 0)) marks.push(undefined);
  for (const [block, mark] of change.writes) {
    while (marks.length < block) marks.push(undefined);
    marks[block] = mark;
  }
  return { version: before.version + 1, marks };
}

export function sameContent(a: Content | undefined, b: Content): boolean {
  return (
    a?.version === b.version &&
    a.marks.length === b.marks.length &&
    a.marks.every((mark, i) => mark === b.marks[i])
  );
}

function describe(files: Files): string {
  return [...files]
    .map(([path, { version, marks }]) => `${path}@${version} [${marks.join(' ')}]`)
    .join(', ');
}
