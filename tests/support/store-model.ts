/** What the files of a store must contain after each sqliteTx, and which of these a crash may leave. */
import type { CrashKind } from '../../src/testing/index.js';
import type { Durability } from '../../src/types.js';
import { type Change, type Content, type Store, UNIT_BYTES } from './store-dsl.ts';

/** A sqliteTx as a workload lists it. */
export interface Step {
  readonly changes: readonly Change[];
  readonly durability: Durability;
  /** If it is rolled back: at once, or when all it spilled is in the store. */
  readonly rolledBack?: 'early' | 'late';
  /** What the program does before it: close the store and open it anew, or wait for what lands. */
  readonly first?: 'reopen' | 'drain';
}

/** Said by a workload: a commit began, was acknowledged, or its idbTx is known to be complete. */
export interface Notice {
  readonly commit: number;
  readonly what: 'began' | 'acknowledged' | 'complete';
  readonly durability: Durability;
}

export type Files = ReadonlyMap<string, Content>;

export class StoreModel {
  /** The files after each commit; 0 is before the first. */
  readonly #after: Files[];

  constructor(paths: readonly string[], steps: readonly Step[]) {
    const empty: Content = { version: 0, blockBytes: UNIT_BYTES, marks: [] };
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

  /** Commits of all steps. */
  get commits(): number {
    return this.#after.length - 1;
  }

  /** The commit that made `version` of a file. */
  commitOf(path: string, version: number): number {
    return this.#after.findIndex((files) => files.get(path)?.version === version);
  }

  /** What a file held one commit before its newest. */
  before(path: string): Content {
    const newest = this.#after.at(-1)?.get(path)?.version ?? 0;
    const commit = this.commitOf(path, newest - 1);
    const content = this.#after[commit]?.get(path);
    if (!content) throw new Error(`${path} has no commit`);
    return content;
  }

  /** What a file held after each of its commits but the newest. */
  history(path: string): Content[] {
    const newest = this.#after.at(-1)?.get(path);
    const contents = this.#after.flatMap((files) => files.get(path) ?? []);
    return contents.filter(({ version }) => version > 0 && version !== newest?.version);
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
    const found = await readAll(store);
    const [least, most] = allowedAfter(crash);
    for (let commit = most; commit >= 0; commit--) {
      if (!sameFiles(found, this.at(commit))) continue;
      if (commit >= least) return commit;
      throw new Error(`Recovered commit ${commit}, but ${least} … ${most} are allowed.`);
    }
    throw new Error(`No commit up to ${most} left this: ${describe(found)}`);
  }
}

export async function readAll(store: Store): Promise<Files> {
  const found = new Map<string, Content>();
  for (const path of store.files.keys()) found.set(path, await store.read(path));
  return found;
}

/** The first and the last commit that may be found after a crash. */
export function allowedAfter(crash: {
  readonly acknowledged: readonly Notice[];
  readonly kind: CrashKind;
}): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const { commit, what, durability } of crash.acknowledged) {
    most = Math.max(most, commit);
    const told = what === 'complete' || (what === 'acknowledged' && durability !== 'deferred');
    const stays = durability === 'strict' || crash.kind === 'process';
    if (told && stays) least = Math.max(least, commit);
  }
  return [least, most];
}

export function changed(before: Content, change: Change): Content {
  const blockBytes = change.blockBytes ?? before.blockBytes;
  const perBlock = blockBytes / UNIT_BYTES;
  const marks = before.marks.slice(0, change.truncateTo ?? before.marks.length);
  const extend = (units: number) => {
    while (marks.length < units) marks.push(undefined);
  };
  extend(change.truncateTo ?? 0);
  for (const [block, mark] of change.writes) {
    extend((block + 1) * perBlock);
    marks.fill(mark, block * perBlock, (block + 1) * perBlock);
  }
  return { version: before.version + 1, blockBytes, marks };
}

export function sameContent(a: Content | undefined, b: Content): boolean {
  return (
    a?.version === b.version &&
    a.blockBytes === b.blockBytes &&
    a.marks.length === b.marks.length &&
    a.marks.every((mark, i) => mark === b.marks[i])
  );
}

export function sameFiles(found: Files, expected: Files): boolean {
  return [...expected].every(([path, content]) => sameContent(found.get(path), content));
}

/** Marks as text, equal neighbours once. */
function describeMarks(marks: Content['marks']): string {
  const runs: string[] = [];
  for (let at = 0; at < marks.length; ) {
    const mark = marks[at];
    let end = at;
    while (end < marks.length && marks[end] === mark) end++;
    runs.push(end - at > 1 ? `${mark ?? 0}×${end - at}` : `${mark ?? 0}`);
    at = end;
  }
  return runs.join(' ');
}

export function describe(files: Files): string {
  return [...files]
    .map(([path, { version, marks }]) => `${path}@${version} [${describeMarks(marks)}]`)
    .join(', ');
}
