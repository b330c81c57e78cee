/**
 * IDBCursor and IDBCursorWithValue: one request, used again for each step.
 *
 *   moving ──its turn comes──▶ at a row ──advance | continue | continuePrimaryKey──▶ moving
 *      └──no row left──▶ past the end (only `null` is given out)
 */
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import { extractKey } from './key-path.js';
import { type Bounds, describeBounds, only, toBounds } from './key-range.js';
import { compareKeys, fromKey, type Key, requireKey } from './keys.js';
import { enforceU32, recordOf, type Source, toDirection } from './queries.js';
import { type Answerable, SimulatedRequest } from './request.js';
import { nextRow } from './rows.js';
import { deleteRecords, putRecord, type Row } from './state.js';
import { adopt } from './values.js';

export interface CursorOptions {
  readonly query: unknown;
  readonly direction: unknown;
  readonly withValue: boolean;
}

export function openCursor<C extends IDBCursor>(
  source: Source,
  options: CursorOptions,
): SimulatedRequest<C | null> {
  const direction = toDirection(options.direction);
  source.assertUsable();
  const bounds = toBounds(options.query, false);
  const request = new SimulatedRequest<C | null>(source.api, source.port);
  const deps = { source, request, bounds, direction };
  const cursor = options.withValue ? new SimulatedCursorWithValue(deps) : new SimulatedCursor(deps);
  cursor.move(options.withValue ? 'openCursor' : 'openKeyCursor', { steps: 1 });
  return request;
}

interface CursorDeps {
  readonly source: Source;
  readonly request: Answerable & IDBRequest;
  readonly bounds: Bounds;
  readonly direction: IDBCursorDirection;
}

interface Move {
  readonly steps: number;
  readonly key?: Key | undefined;
  readonly primaryKey?: Key | undefined;
}

export class SimulatedCursor implements IDBCursor {
  readonly #deps: CursorDeps;
  #row: Row | undefined;
  #key: IDBValidKey | undefined;
  #primaryKey: IDBValidKey | undefined;
  #value: unknown;
  /** True while it stands at a row that was given out. */
  #isAtRow = false;

  constructor(deps: CursorDeps) {
    this.#deps = deps;
  }

  get source(): IDBObjectStore | IDBIndex {
    return this.#deps.source.api;
  }
  get direction(): IDBCursorDirection {
    return this.#deps.direction;
  }
  get request(): IDBRequest {
    return this.#deps.request;
  }
  /** Undefined before the first row and after the last, whatever the type says. */
  get key(): IDBValidKey {
    return this.#key as IDBValidKey;
  }
  get primaryKey(): IDBValidKey {
    return this.#primaryKey as IDBValidKey;
  }
  protected get currentValue(): unknown {
    return this.#value;
  }
  protected get hasValue(): boolean {
    return false;
  }

  advance(count: number): void {
    const steps = enforceU32(count);
    if (steps === 0) throw new TypeError('A cursor cannot advance by 0.');
    this.#assertAtRow();
    this.#moveOn('advance', { steps });
  }

  continue(key?: IDBValidKey): void {
    this.#assertAtRow();
    if (key === undefined) {
      this.#moveOn('continue', { steps: 1 });
      return;
    }
    const to = requireKey(key);
    const sign = compareKeys(to, (this.#row as Row).key);
    if (this.#isForward ? sign <= 0 : sign >= 0) {
      throw exception('DataError', 'The key is not ahead of the cursor.');
    }
    this.#moveOn('continue', { steps: 1, key: to });
  }

  continuePrimaryKey(key: IDBValidKey, primaryKey: IDBValidKey): void {
    const { source, direction } = this.#deps;
    source.assertUsable();
    if (!('objectStore' in source.api)) {
      throw exception('InvalidAccessError', 'The cursor is not of an index.');
    }
    if (direction !== 'next' && direction !== 'prev') {
      throw exception('InvalidAccessError', 'The cursor gives out each key once.');
    }
    this.#assertAtRow();
    const to = { key: requireKey(key), primaryKey: requireKey(primaryKey) };
    const row = this.#row as Row;
    const sign = compareKeys(to.key, row.key) || compareKeys(to.primaryKey, row.primaryKey);
    if (this.#isForward ? sign <= 0 : sign >= 0) {
      throw exception('DataError', 'The key is not ahead of the cursor.');
    }
    this.#moveOn('continuePrimaryKey', { steps: 1, ...to });
  }

  update(value: unknown): IDBRequest<IDBValidKey> {
    const { source } = this.#deps;
    this.#assertWritable();
    const { primaryKey } = this.#row as Row;
    const data = source.port.cloneIn(value);
    const store = storeOf(source);
    if (store.keyPath !== null) {
      const found = extractKey(data, store.keyPath);
      if (found.tag !== 'key' || compareKeys(found.key, primaryKey) !== 0) {
        throw exception('DataError', 'The value has another key than the record at the cursor.');
      }
    }
    return source.port.place<IDBValidKey>(this, {
      name: 'cursor.update',
      store: source.storeName,
      detail: () => `${source.storeName} ${describeBounds(only(primaryKey))}`,
      run: () => {
        const record = { key: primaryKey, primaryKey, value: adopt(data) };
        const state = source.port.read(source.storeId);
        source.port.write(putRecord(state, record, { overwrite: true }));
        return fromKey(primaryKey);
      },
    });
  }

  delete(): IDBRequest<undefined> {
    const { source } = this.#deps;
    this.#assertWritable();
    const bounds = only((this.#row as Row).primaryKey);
    return source.port.place<undefined>(this, {
      name: 'cursor.delete',
      store: source.storeName,
      detail: () => `${source.storeName} ${describeBounds(bounds)}`,
      run: () => source.port.write(deleteRecords(source.port.read(source.storeId), bounds)),
    });
  }

  get #isForward(): boolean {
    return this.#deps.direction.startsWith('next');
  }

  #assertAtRow(): void {
    this.#deps.source.assertUsable();
    if (this.#isAtRow) return;
    throw exception('InvalidStateError', 'The cursor is moving, or past its end.');
  }

  #assertWritable(): void {
    const { source } = this.#deps;
    source.port.assertActive();
    if (source.port.mode === 'readonly') {
      throw exception('ReadOnlyError', 'The transaction is read-only.');
    }
    this.#assertAtRow();
    if (!this.hasValue) throw exception('InvalidStateError', 'The cursor has no values.');
  }

  #moveOn(name: string, move: Move): void {
    this.#isAtRow = false;
    this.#deps.request.again();
    this.move(`cursor.${name}`, move);
  }

  move(name: string, move: Move): void {
    const { source, request, bounds } = this.#deps;
    const operation = {
      name,
      store: source.storeName,
      detail: () => `${source.storeName} ${describeBounds(bounds)}`,
      run: () => this.#arrive(move),
    };
    source.port.placeAgain(request, operation);
  }

  #arrive({ steps, key, primaryKey }: Move): this | null {
    const { source, bounds, direction } = this.#deps;
    const rows = source.rows();
    for (let step = 0; step < steps; step++) {
      const from = { bounds, direction, position: this.#row };
      const row = nextRow(rows, { ...from, key, primaryKey });
      this.#row = row;
      if (!row) break;
    }
    const row = this.#row;
    this.#key = row && fromKey(row.key);
    this.#primaryKey = row && fromKey(row.primaryKey);
    this.#value = row && this.hasValue ? recordOf(source, row) : undefined;
    this.#isAtRow = row !== undefined;
    return row ? this : null;
  }
}
graft(SimulatedCursor, 'IDBCursor');

export class SimulatedCursorWithValue extends SimulatedCursor implements IDBCursorWithValue {
  get value(): unknown {
    return this.currentValue;
  }
  protected override get hasValue(): boolean {
    return true;
  }
}
graft(SimulatedCursorWithValue, 'IDBCursorWithValue');

function storeOf(source: Source): IDBObjectStore {
  return 'objectStore' in source.api ? source.api.objectStore : source.api;
}
