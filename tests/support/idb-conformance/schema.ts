/** Making, renaming and deleting stores and indexes. */
import { expect } from './expect.ts';
import { end, errorOf, type Lab, result, thrownBy } from './lab.ts';
import type { Define } from './table.ts';

function rename(target: IDBObjectStore | IDBIndex, name: string): void {
  target.name = name;
}

export function schemaCases(lab: Lab, test: Define): void {
  /** What `run` returns inside an upgrade. */
  async function upgrading<T>(run: (db: IDBDatabase, tx: IDBTransaction) => T): Promise<T> {
    let outcome: { readonly value: T } | undefined;
    await lab.fresh((db, request) => {
      outcome = { value: run(db, request.transaction as IDBTransaction) };
    });
    return (outcome as { readonly value: T }).value;
  }

  test('a store knows itself', async () => {
    const seen = await upgrading((db, tx) => {
      const plain = db.createObjectStore('plain');
      const keyed = db.createObjectStore('keyed', { keyPath: ['a', 'b.c'], autoIncrement: false });
      const counting = db.createObjectStore('counting', { autoIncrement: true });
      expect(tx.objectStore('plain')).toBe(plain);
      return [plain, keyed, counting].map((s) => [s.name, s.keyPath, s.autoIncrement]);
    });
    expect(seen).toEqual([
      ['plain', null, false],
      ['keyed', ['a', 'b.c'], false],
      ['counting', null, true],
    ]);
  });

  test('stores that cannot be made', async () => {
    const thrown = await upgrading((db) => {
      db.createObjectStore('a');
      return [
        thrownBy(() => db.createObjectStore('a')),
        thrownBy(() => db.createObjectStore('x', { keyPath: 'a b' })),
        thrownBy(() => db.createObjectStore('x', { keyPath: 'a..b' })),
        thrownBy(() => db.createObjectStore('x', { keyPath: [] })),
        thrownBy(() => db.createObjectStore('x', { keyPath: '', autoIncrement: true })),
        thrownBy(() => db.createObjectStore('x', { keyPath: ['a'], autoIncrement: true })),
        thrownBy(() => db.deleteObjectStore('x')),
      ];
    });
    expect(thrown).toEqual([
      'ConstraintError',
      'SyntaxError',
      'SyntaxError',
      'SyntaxError',
      'InvalidAccessError',
      'InvalidAccessError',
      'NotFoundError',
    ]);
  });

  test('indexes that cannot be made', async () => {
    const thrown = await upgrading((db) => {
      const store = db.createObjectStore('a');
      store.createIndex('i', 'x');
      return [
        thrownBy(() => store.createIndex('i', 'y')),
        thrownBy(() => store.createIndex('j', '1x')),
        thrownBy(() => store.createIndex('j', ['x'], { multiEntry: true })),
        thrownBy(() => store.deleteIndex('j')),
      ];
    });
    expect(thrown).toEqual([
      'ConstraintError',
      'SyntaxError',
      'InvalidAccessError',
      'NotFoundError',
    ]);
  });

  test('outside an upgrade the schema cannot change', async () => {
    const db = await lab.fresh((fresh) => fresh.createObjectStore('a').createIndex('i', 'x'));
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    const index = store.index('i');
    expect(thrownBy(() => db.createObjectStore('c'))).toBe('InvalidStateError');
    expect(thrownBy(() => db.deleteObjectStore('a'))).toBe('InvalidStateError');
    expect(thrownBy(() => store.createIndex('j', 'x'))).toBe('InvalidStateError');
    expect(thrownBy(() => store.deleteIndex('i'))).toBe('InvalidStateError');
    expect(thrownBy(() => rename(store, 'z'))).toBe('InvalidStateError');
    expect(thrownBy(() => rename(index, 'z'))).toBe('InvalidStateError');
  });

  test('a deleted store is no use, and its name is free', async () => {
    const thrown = await upgrading((db) => {
      const store = db.createObjectStore('a');
      const index = store.createIndex('i', 'x');
      db.deleteObjectStore('a');
      expect([...db.objectStoreNames]).toEqual([]);
      db.createObjectStore('a', { keyPath: 'id' });
      return [
        thrownBy(() => store.put(1, 1)),
        thrownBy(() => store.get(1)),
        thrownBy(() => store.createIndex('j', 'x')),
        thrownBy(() => index.get(1)),
      ];
    });
    expect(thrown).toEqual(Array(4).fill('InvalidStateError'));
  });

  test('what was asked of a store before it is deleted is done', async () => {
    let request: IDBRequest | undefined;
    await lab.fresh((db) => {
      request = db.createObjectStore('a').put('v', 'k');
      db.deleteObjectStore('a');
    });
    expect(request?.result).toBe('k');
  });

  test('a deleted index is no use', async () => {
    const db = await lab.fresh((fresh) => {
      const store = fresh.createObjectStore('a');
      const index = store.createIndex('i', 'x');
      store.deleteIndex('i');
      expect(thrownBy(() => index.count())).toBe('InvalidStateError');
      expect(thrownBy(() => store.index('i'))).toBe('NotFoundError');
      store.createIndex('i', 'y');
    });
    expect(db.transaction('a').objectStore('a').index('i').keyPath).toBe('y');
  });

  test('stores and indexes can be renamed', async () => {
    const name = lab.name();
    const first = await lab.open(name, 1, (db) => {
      const store = db.createObjectStore('a');
      store.createIndex('i', 'x');
      store.put({ x: 1 }, 'k');
    });
    first.close();
    const db = await lab.open(name, 2, (fresh, request) => {
      const store = (request.transaction as IDBTransaction).objectStore('a');
      store.index('i').name = 'j';
      store.name = 'c';
      expect([...fresh.objectStoreNames]).toEqual(['c']);
      expect([...store.indexNames]).toEqual(['j']);
    });
    const store = db.transaction('c').objectStore('c');
    expect(await result(store.index('j').getKey(1))).toBe('k');
  });

  test('renaming to a name that exists is refused', async () => {
    const thrown = await upgrading((db) => {
      db.createObjectStore('b');
      const store = db.createObjectStore('a');
      store.createIndex('i', 'x');
      const index = store.createIndex('j', 'x');
      return [
        thrownBy(() => rename(store, 'b')),
        thrownBy(() => rename(index, 'i')),
        thrownBy(() => rename(store, 'a')),
      ];
    });
    expect(thrown).toEqual(['ConstraintError', 'ConstraintError', undefined]);
  });

  test('an aborted upgrade gives stores and indexes their names back', async () => {
    const name = lab.name();
    const first = await lab.open(name, 1, (db) => db.createObjectStore('a').createIndex('i', 'x'));
    first.close();
    const request = lab.factory.open(name, 2);
    let store: IDBObjectStore | undefined;
    request.onupgradeneeded = () => {
      store = (request.transaction as IDBTransaction).objectStore('a');
      store.index('i').name = 'j';
      store.name = 'c';
      store.createIndex('k', 'y');
      request.transaction?.abort();
    };
    expect(await errorOf(request)).toBe('AbortError');
    expect([store?.name, [...(store?.indexNames ?? [])]]).toEqual(['a', ['i']]);
  });

  test('records written in the upgrade are there after it', async () => {
    const db = await lab.fresh((fresh) => {
      const store = fresh.createObjectStore('a');
      store.put(1, 1);
      store.createIndex('i', 'x');
      store.put({ x: 5 }, 2);
    });
    const tx = db.transaction('a');
    expect(await result(tx.objectStore('a').index('i').getAllKeys())).toEqual([2]);
    expect(await end(tx)).toBe('complete');
  });

  test('deleting a store deletes its records', async () => {
    const name = lab.name();
    (await lab.open(name, 1, (db) => db.createObjectStore('a').put(1, 1))).close();
    const db = await lab.open(name, 2, (fresh) => {
      fresh.deleteObjectStore('a');
      fresh.createObjectStore('a');
    });
    expect(await result(db.transaction('a').objectStore('a').count())).toBe(0);
  });
}
