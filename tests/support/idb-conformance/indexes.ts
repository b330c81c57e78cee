/** Indexes. */
import { expect } from './expect.ts';
import { end, errorOf, type Lab, result, thrownBy } from './lab.ts';
import { type Define, REFUSED_PUT_DELETES } from './table.ts';

export function indexCases(lab: Lab, test: Define): void {
  const people = [
    { id: 1, name: 'b' },
    { id: 2, name: 'a' },
    { id: 3, name: 'b' },
    { id: 4 },
    { id: 5, name: { no: 'key' } },
  ];

  test('an index finds records by their keys in it, in order', async () => {
    const db = await lab.indexed({ keyPath: 'name' }, people);
    const index = db.transaction('a').objectStore('a').index('i');
    expect(await result(index.get('b'))).toEqual({ id: 1, name: 'b' });
    expect(await result(index.getKey('b'))).toBe(1);
    expect(await result(index.get('c'))).toBe(undefined);
    expect(await result(index.getAllKeys())).toEqual([2, 1, 3]);
    expect(await result(index.getAll('b'))).toEqual([people[0], people[2]]);
    expect(await result(index.count())).toBe(3);
    expect(await result(index.count('b'))).toBe(2);
    expect(await result(index.getAllKeys(null, 2))).toEqual([2, 1]);
    expect(await result(index.getAllKeys(lab.KeyRange.lowerBound('a', true)))).toEqual([1, 3]);
  });

  test('an index knows itself', async () => {
    const db = await lab.indexed({ keyPath: ['x', 'y'], unique: true }, []);
    const store = db.transaction('a').objectStore('a');
    const index = store.index('i');
    expect(index.name).toBe('i');
    expect(index.keyPath).toEqual(['x', 'y']);
    expect([index.unique, index.multiEntry]).toEqual([true, false]);
    expect(index.objectStore).toBe(store);
    expect(store.index('i')).toBe(index);
    expect([...store.indexNames]).toEqual(['i']);
    expect(thrownBy(() => store.index('other'))).toBe('NotFoundError');
  });

  test('it follows puts and deletes', async () => {
    const db = await lab.indexed({ keyPath: 'name' }, people);
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const keys = () => result(store.index('i').getAllKeys());
    store.put({ id: 1, name: 'z' });
    expect(await keys()).toEqual([2, 3, 1]);
    store.delete(3);
    expect(await keys()).toEqual([2, 1]);
    store.put({ id: 2 });
    expect(await keys()).toEqual([1]);
    store.clear();
    expect(await keys()).toEqual([]);
  });

  test('multiEntry: one entry for each valid key, each once', async () => {
    const db = await lab.indexed({ keyPath: 'tags', multiEntry: true }, [
      { id: 1, tags: ['x', 'y', 'x', null, {}] },
      { id: 2, tags: 'y' },
      { id: 3, tags: [] },
    ]);
    const index = db.transaction('a', 'readwrite').objectStore('a').index('i');
    expect(await result(index.getAllKeys('x'))).toEqual([1]);
    expect(await result(index.getAllKeys('y'))).toEqual([1, 2]);
    expect(await result(index.count())).toBe(3);
    index.objectStore.delete(1);
    expect(await result(index.getAllKeys())).toEqual([2]);
  });

  test('without multiEntry an array is one key', async () => {
    const db = await lab.indexed({ keyPath: 'tags' }, [
      { id: 1, tags: ['x', 'y'] },
      { id: 2, tags: ['x', null] },
    ]);
    const index = db.transaction('a').objectStore('a').index('i');
    expect(await result(index.getAllKeys())).toEqual([1]);
    expect(await result(index.getKey(['x', 'y']))).toBe(1);
  });

  test('a unique index refuses a second record', async () => {
    const db = await lab.indexed({ keyPath: 'name', unique: true }, [{ id: 1, name: 'a' }]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    const request = store.put({ id: 2, name: 'a' });
    request.onerror = (event) => event.preventDefault();
    expect(await errorOf(request)).toBe('ConstraintError');
    expect(await result(store.getAllKeys())).toEqual([1]);
    expect(await result(store.index('i').getAllKeys())).toEqual([1]);
    expect(await end(tx)).toBe('complete');
  });

  test(
    'a put that is refused leaves the record it was to replace',
    REFUSED_PUT_DELETES,
    async () => {
      const db = await lab.indexed({ keyPath: 'name', unique: true }, [{ id: 1, name: 'a' }]);
      const tx = db.transaction('a', 'readwrite');
      const store = tx.objectStore('a');
      store.put({ id: 2, name: 'b' });
      const request = store.put({ id: 2, name: 'a' });
      request.onerror = (event) => event.preventDefault();
      expect(await errorOf(request)).toBe('ConstraintError');
      expect(await result(store.get(2))).toEqual({ id: 2, name: 'b' });
      expect(await result(store.index('i').getAllKeys())).toEqual([1, 2]);
      expect(await end(tx)).toBe('complete');
    },
  );

  test('a unique index lets a record replace itself', async () => {
    const db = await lab.indexed({ keyPath: 'name', unique: true }, [{ id: 1, name: 'a', x: 1 }]);
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(await result(store.put({ id: 1, name: 'a', x: 2 }))).toBe(1);
    expect(await result(store.index('i').get('a'))).toEqual({ id: 1, name: 'a', x: 2 });
  });

  test('a unique multiEntry index lets a record have a key twice', async () => {
    const db = await lab.indexed({ keyPath: 'tags', unique: true, multiEntry: true }, []);
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(await result(store.put({ id: 1, tags: ['x', 'x'] }))).toBe(1);
    const request = store.put({ id: 2, tags: ['z', 'x'] });
    request.onerror = (event) => event.preventDefault();
    expect(await errorOf(request)).toBe('ConstraintError');
    expect(await result(store.index('i').getAllKeys())).toEqual([1]);
  });

  test('an index made later has what is already there', async () => {
    const name = lab.name();
    const first = await lab.open(name, 1, (db) => {
      const store = db.createObjectStore('a', { keyPath: 'id' });
      for (const person of people) store.put(person);
    });
    first.close();
    const db = await lab.open(name, 2, (_db, request) => {
      request.transaction?.objectStore('a').createIndex('i', 'name');
    });
    const index = db.transaction('a').objectStore('a').index('i');
    expect(await result(index.getAllKeys())).toEqual([2, 1, 3]);
  });

  test('a unique index that cannot be made aborts the upgrade', async () => {
    const request = lab.factory.open(lab.name(), 1);
    let error: string | undefined;
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore('a', { keyPath: 'id' });
      store.put({ id: 1, x: 1 });
      store.put({ id: 2, x: 1 });
      store.createIndex('i', 'x', { unique: true });
      const { transaction } = request;
      transaction?.addEventListener('abort', () => {
        error = transaction.error?.name;
      });
    };
    expect(await errorOf(request)).toBe('AbortError');
    expect(error).toBe('ConstraintError');
  });

  test('an index of several parts, and of the primary key', async () => {
    const db = await lab.indexed({ keyPath: ['x', 'id'] }, [
      { id: 2, x: 1 },
      { id: 1, x: 1 },
      { id: 3 },
    ]);
    const index = db.transaction('a').objectStore('a').index('i');
    expect(await result(index.getAllKeys())).toEqual([1, 2]);
    expect(await result(index.getKey([1, 2]))).toBe(2);
  });
}
