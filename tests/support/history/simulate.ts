/**
 * A model of a database with several contexts, which writes histories down, and which may have one bug.
 *
 * Versions are whole copies; contexts take turns drawn from a seed, one step each, and every step takes a
 * unit of time. A bug counts its strikes: times at which it made a difference that a reader could see.
 */
import { Seeded } from '../seeded.ts';
import type { History, LogEntry, Op, SqliteTx } from './record.ts';

export const BUGS = [
  'stale read',
  'lost update',
  'lost blind update',
  'two writers',
  'aborted read',
  'intermediate read',
  'aborted commit',
  'skipped version',
  'other version',
  'torn snapshot',
  'torn commit',
  'lost commit',
  'half of an unknown outcome',
  'write skew',
] as const;
export type Bug = (typeof BUGS)[number];

export interface Simulated {
  readonly history: History;
  readonly strikes: number;
}

interface Size {
  readonly contexts: number;
  readonly keys: number;
  readonly sqliteTxs: number;
  readonly seed: number;
}

type Lists = ReadonlyMap<number, readonly number[]>;

/** A sqliteTx under way. */
interface Running {
  readonly id: number;
  readonly context: number;
  readonly startedAt: number;
  readonly snapshot: number;
  readonly lists: Lists;
  readonly plan: readonly Op[];
  readonly ops: Op[];
  readonly rollsBack: boolean;
  readonly isWriter: boolean;
}

const BUG_CHANCE = 0.3;
const DEATH_CHANCE = 0.03;
/** A writer that looks for no lock, and finds at its end whether somebody was faster. */
const OPTIMIST_CHANCE = 0.1;
const ROLLBACK_CHANCE = 0.15;
const WRITER_CHANCE = 0.6;
const OPS = [1, 4] as const;

export function simulate(size: Size, bug?: Bug): Simulated {
  return new Simulation(size, bug).run();
}

class Simulation {
  readonly #random: Seeded;
  readonly #size: Size;
  readonly #bug: Bug | undefined;
  #now = 0;
  #ids = 0;
  #values = 0;
  #strikes = 0;
  /** versions[v − 1]: what version v holds. */
  readonly #versions: Lists[] = [new Map()];
  readonly #log: LogEntry[] = [{ version: 1, id: 0 }];
  readonly #recorded: SqliteTx[] = [];
  readonly #running: Map<number, Running> = new Map();

  constructor(size: Size, bug: Bug | undefined) {
    this.#random = new Seeded(size.seed, 77);
    this.#size = size;
    this.#bug = bug;
  }

  run(): Simulated {
    while (this.#ids < this.#size.sqliteTxs || this.#running.size > 0) {
      this.#now++;
      const context = this.#random.between(0, this.#size.contexts - 1);
      const running = this.#running.get(context);
      if (running) this.#step(running);
      else if (this.#ids < this.#size.sqliteTxs) this.#begin(context);
    }
    this.#readAll();
    return {
      history: { toleranceMs: 0, sqliteTxs: this.#recorded, log: this.#log },
      strikes: this.#strikes,
    };
  }

  get #newest(): number {
    return this.#versions.length;
  }

  #at(version: number): Lists {
    return this.#versions[version - 1] ?? new Map();
  }

  #bugs(bug: Bug): boolean {
    return this.#bug === bug && this.#random.chance(BUG_CHANCE);
  }

  get #writer(): Running | undefined {
    return [...this.#running.values()].find(({ isWriter }) => isWriter);
  }

  #begin(context: number): void {
    const wantsToWrite = this.#random.chance(WRITER_CHANCE);
    const isAlone = this.#writer === undefined;
    const ignoresLock = !isAlone && (this.#ignoresLock() || this.#random.chance(OPTIMIST_CHANCE));
    let snapshot = this.#newest;
    if (this.#bugs('stale read') && snapshot > 1 && (!wantsToWrite || !isAlone)) {
      snapshot--;
    }
    const isWriter = wantsToWrite && (isAlone || ignoresLock);
    this.#ids++;
    const plan = this.#plan(isWriter);
    this.#running.set(context, {
      id: this.#ids,
      context,
      startedAt: this.#now,
      snapshot,
      lists: this.#at(snapshot),
      plan,
      ops: [],
      rollsBack: this.#random.chance(ROLLBACK_CHANCE),
      isWriter: isWriter && plan.some(({ op }) => op === 'append'),
    });
  }

  #ignoresLock(): boolean {
    return (
      this.#bugs('lost update') ||
      this.#bugs('lost blind update') ||
      this.#bugs('two writers') ||
      this.#bugs('write skew')
    );
  }

  #plan(isWriter: boolean): Op[] {
    return Array.from({ length: this.#random.between(...OPS) }, (): Op => {
      const key = this.#random.between(0, this.#size.keys - 1);
      const appends = isWriter && this.#random.chance(0.5);
      return appends
        ? { op: 'append', key, value: ++this.#values }
        : { op: 'read', key, values: [] };
    });
  }

  #step(running: Running): void {
    const { ops, plan, context } = running;
    const next = plan[ops.length];
    if (running.isWriter && this.#mayDie() && this.#random.chance(DEATH_CHANCE)) this.#die(running);
    else if (next?.op === 'append') ops.push(next);
    else if (next) ops.push(this.#read(running, next.key));
    else this.#end(running);
    if (this.#recorded.at(-1)?.id === running.id) this.#running.delete(context);
  }

  /** Not where the bug is in the writer's failure or half-done work, which nobody would hear of then. */
  #mayDie(): boolean {
    return this.#bug !== 'aborted read' && this.#bug !== 'intermediate read';
  }

  #read(running: Running, key: number): Op {
    const own = running.ops.flatMap((op) =>
      op.op === 'append' && op.key === key ? [op.value] : [],
    );
    const honest = running.lists.get(key) ?? [];
    const seen = this.#seen(running, key);
    if (seen.join() !== honest.join()) this.#strikes++;
    return { op: 'read', key, values: [...seen, ...own] };
  }

  /** What a reader sees of a list, its own appends apart. */
  #seen(running: Running, key: number): readonly number[] {
    const list = running.lists.get(key) ?? [];
    const other = this.#writer;
    if (other && other !== running) {
      const added = other.ops.flatMap((op) =>
        op.op === 'append' && op.key === key ? [op.value] : [],
      );
      const isLast = !other.plan
        .slice(other.ops.length)
        .some((op) => op.op === 'append' && op.key === key);
      const isNewest = running.snapshot === this.#newest;
      if (isNewest && other.rollsBack && this.#bugs('aborted read')) return [...list, ...added];
      if (isNewest && !isLast && !other.rollsBack && this.#bugs('intermediate read'))
        return [...list, ...added];
    }
    if (this.#bugs('torn snapshot')) return this.#at(this.#newest).get(key) ?? [];
    if (this.#bugs('other version')) return this.#at(running.snapshot - 1).get(key) ?? [];
    return list;
  }

  #end(running: Running): void {
    const isStale = running.isWriter && running.snapshot !== this.#newest;
    if (!running.isWriter) this.#record(running, running.rollsBack ? 'aborted' : 'committed');
    else if (running.rollsBack) {
      if (this.#bugs('aborted commit')) {
        this.#commit(running);
        this.#strikes++;
      }
      this.#record(running, 'aborted');
    } else if (isStale && !this.#commitsStale(running)) this.#record(running, 'aborted');
    else if (!isStale) {
      const version = this.#commitAsPlanned(running);
      this.#record(running, 'committed', version);
    }
  }

  /** The bugs that let a writer commit upon a version that is no longer the newest. */
  #commitsStale(running: Running): boolean {
    const since = this.#log.filter(({ version }) => version > running.snapshot);
    const others = this.#recorded.filter(
      ({ id, outcome }) => outcome === 'committed' && since.some((entry) => entry.id === id),
    );
    const { appends, reads } = touched(running.ops);
    const overwritten = others.some(({ ops }) => meet(touched(ops).appends, appends));
    switch (this.#bug) {
      case 'two writers':
        if (since.length > 1 || others.length === 0) return false;
        this.#versions.pop();
        this.#log.pop();
        return this.#commitsAnyway(running, this.#at(this.#newest));
      case 'lost update':
      case 'lost blind update': {
        if (!overwritten || meet(appends, reads) !== (this.#bug === 'lost update')) return false;
        const base = new Map(this.#at(this.#newest));
        for (const key of appends) base.set(key, running.lists.get(key) ?? []);
        return this.#commitsAnyway(running, base);
      }
      case 'write skew': {
        const isSkewed = others.some((other) => {
          const theirs = touched(other.ops);
          return meet(theirs.appends, reads) && meet(theirs.reads, appends);
        });
        return !overwritten && isSkewed && this.#commitsAnyway(running, this.#at(this.#newest));
      }
      default:
        return false;
    }
  }

  #commitsAnyway(running: Running, base: Lists): true {
    this.#strikes++;
    this.#record(running, 'committed', this.#commit(running, base));
    return true;
  }

  #commitAsPlanned(running: Running): number {
    if (this.#bugs('lost commit')) {
      this.#strikes++;
      return this.#newest + 1;
    }
    if (this.#bugs('skipped version')) {
      this.#strikes++;
      this.#versions.push(this.#at(this.#newest));
    }
    if (this.#bugs('torn commit') && running.ops.some(({ op }) => op === 'append')) {
      this.#strikes++;
      return this.#commit({ ...running, ops: withoutOneAppend(running.ops) });
    }
    return this.#commit(running);
  }

  #commit({ id, ops }: Pick<Running, 'id' | 'ops'>, base: Lists = this.#at(this.#newest)): number {
    this.#versions.push(appended(base, ops));
    this.#log.push({ version: this.#newest, id });
    return this.#newest;
  }

  /** Its context ends in its COMMIT; nobody hears whether it landed. */
  #die(running: Running): void {
    const whole = { ...running, ops: running.plan.filter(({ op }) => op === 'append') };
    const lands = this.#random.chance(0.5) && running.snapshot === this.#newest;
    if (lands && whole.ops.length > 1 && this.#bugs('half of an unknown outcome')) {
      this.#commit({ ...whole, ops: withoutOneAppend(whole.ops) });
      this.#strikes++;
    } else if (lands) this.#commit(whole);
    this.#record(whole, 'unknown');
  }

  #record(running: Running, outcome: SqliteTx['outcome'], commit?: number): void {
    const { id, context, startedAt, snapshot, ops } = running;
    const isUnknown = outcome === 'unknown';
    if (this.#bug === 'stale read' && outcome === 'committed')
      this.#strikes += this.#missed(running);
    this.#recorded.push({
      id,
      context,
      sequence: id,
      outcome,
      startedAt,
      endedAt: isUnknown ? undefined : this.#now,
      snapshot: isUnknown ? undefined : snapshot,
      commit,
      ops,
    });
  }

  /** How many values were acknowledged before it began, and not in what it read. */
  #missed({ startedAt, ops }: Running): number {
    const due = this.#recorded.filter(
      ({ outcome, endedAt = startedAt }) => outcome === 'committed' && endedAt < startedAt,
    );
    const missed = due.flatMap((other) =>
      other.ops.filter(
        (added) =>
          added.op === 'append' &&
          ops.some(
            (op) => op.op === 'read' && op.key === added.key && !op.values.includes(added.value),
          ),
      ),
    );
    return missed.length;
  }

  /** Somebody new reads everything when all is over. */
  #readAll(): void {
    this.#now++;
    const newest = this.#at(this.#newest);
    const ops = Array.from({ length: this.#size.keys }, (_, key): Op => {
      return { op: 'read', key, values: newest.get(key) ?? [] };
    });
    this.#recorded.push({
      id: this.#ids + 1,
      context: this.#size.contexts,
      sequence: this.#ids + 1,
      outcome: 'committed',
      startedAt: this.#now,
      endedAt: this.#now,
      snapshot: this.#newest,
      commit: undefined,
      ops,
    });
  }
}

function appended(lists: Lists, ops: readonly Op[]): Lists {
  const next = new Map(lists);
  for (const op of ops) {
    if (op.op === 'append') next.set(op.key, [...(next.get(op.key) ?? []), op.value]);
  }
  return next;
}

function withoutOneAppend(ops: readonly Op[]): Op[] {
  const first = ops.findIndex(({ op }) => op === 'append');
  return ops.filter((_, i) => i !== first);
}

function touched(ops: readonly Op[]): { appends: Set<number>; reads: Set<number> } {
  const keys = (kind: Op['op']) =>
    new Set(ops.filter(({ op }) => op === kind).map(({ key }) => key));
  return { appends: keys('append'), reads: keys('read') };
}

function meet(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return [...a].some((key) => b.has(key));
}
