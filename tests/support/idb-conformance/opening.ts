/** Opening, upgrading, deleting and closing databases. */
import { expect } from './expect.ts';
import { EventLog, end, errorOf, type Lab, later, result, thrownBy } from './lab.ts';
import type { Define, Differences } from './table.ts';

const LISTED_WITH_0: Differences = {
  webkit: { why: 'it is listed, with version 0', seen: 'expected [ +0 ] to deeply equal []' },
};

export function openingCases(lab: Lab, test: Define): void {
  const { factory } = lab;

  test('versions: 1 by default, kept, raised', async () => {
    const name = lab.name();
    const first = await lab.open(name);
    expect([first.name, first.version]).toEqual([name, 1]);
    first.close();
    const second = await lab.open(name, 5);
    expect(second.version).toBe(5);
    second.close();
    expect((await lab.open(name)).version).toBe(5);
  });

  for (const version of [0, -1, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    test(`version ${version} is refused`, () => {
      expect(thrownBy(() => factory.open('never', version))).toBe('TypeError');
    });
  }

  test('a fraction of a version does not count', async () => {
    expect((await lab.open(lab.name(), 2.9)).version).toBe(2);
  });

  test('a lower version is an error, and nothing changes', async () => {
    const name = lab.name();
    (await lab.open(name, 3)).close();
    expect(await errorOf(factory.open(name, 2))).toBe('VersionError');
    expect((await lab.open(name)).version).toBe(3);
  });

  test('the order of events: upgradeneeded, its idbTx, success', async () => {
    const request = factory.open(lab.name(), 2);
    const log = new EventLog();
    log.watch('request', request, ['upgradeneeded', 'success', 'error', 'blocked']);
    expect([request.readyState, request.source, request.transaction]).toEqual([
      'pending',
      null,
      null,
    ]);
    request.addEventListener('upgradeneeded', (event) => {
      const { transaction, result: db } = request;
      expect([event.oldVersion, event.newVersion]).toEqual([0, 2]);
      expect([transaction?.mode, request.readyState]).toEqual(['versionchange', 'done']);
      expect(transaction?.db).toBe(db);
      log.watch('tx', transaction as IDBTransaction, ['complete', 'abort']);
      log.watch('put', db.createObjectStore('a').put(1, 1), ['success']);
    });
    const db = await result(request);
    expect(request.transaction).toBe(null);
    expect(log.lines).toEqual([
      'request upgradeneeded',
      'put success',
      'tx complete',
      'request success',
    ]);
    db.close();
  });

  test('an upgrade that is aborted leaves no database', async () => {
    const name = lab.name();
    const request = factory.open(name, 1);
    const log = new EventLog();
    log.watch('request', request, ['upgradeneeded', 'success', 'error']);
    let db: IDBDatabase | undefined;
    request.onupgradeneeded = () => {
      db = request.result;
      db.createObjectStore('a');
      const tx = request.transaction as IDBTransaction;
      log.watch('tx', tx, ['abort', 'complete']);
      tx.abort();
    };
    expect(await errorOf(request)).toBe('AbortError');
    expect(log.lines).toEqual(['request upgradeneeded', 'tx abort', 'request error']);
    expect(request.result).toBe(undefined);
    expect([db?.version, db?.objectStoreNames.length]).toEqual([0, 0]);
  });

  test('a database whose making was aborted is not listed', LISTED_WITH_0, async () => {
    const name = lab.name();
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => request.transaction?.abort();
    expect(await errorOf(request)).toBe('AbortError');
    const left = (await factory.databases()).filter((found) => found.name === name);
    expect(left.map(({ version }) => version)).toEqual([]);
  });

  test('an upgrade that is aborted leaves version and stores as they were', async () => {
    const name = lab.name();
    (await lab.open(name, 1, (db) => db.createObjectStore('a'))).close();
    const request = factory.open(name, 2);
    request.onupgradeneeded = () => {
      request.result.deleteObjectStore('a');
      request.result.createObjectStore('c');
      request.transaction?.abort();
    };
    expect(await errorOf(request)).toBe('AbortError');
    const db = await lab.open(name);
    expect([db.version, [...db.objectStoreNames]]).toEqual([1, ['a']]);
  });

  test('a listener of upgradeneeded that throws aborts the upgrade', async () => {
    const request = factory.open(lab.name(), 1);
    request.addEventListener('upgradeneeded', lab.throwing());
    expect(await errorOf(request)).toBe('AbortError');
  });

  test('closing during the upgrade fails the opening; the upgrade stays', async () => {
    const name = lab.name();
    const request = factory.open(name, 4);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('a');
      request.result.close();
    };
    expect(await errorOf(request)).toBe('AbortError');
    const db = await lab.open(name);
    expect([db.version, [...db.objectStoreNames]]).toEqual([4, ['a']]);
  });

  test('while the upgrade runs no other idbTx can be made', async () => {
    const request = factory.open(lab.name(), 1);
    let thrown: string | undefined;
    request.onupgradeneeded = () => {
      request.result.createObjectStore('a');
      thrown = thrownBy(() => request.result.transaction('a'));
    };
    (await result(request)).close();
    expect(thrown).toBe('InvalidStateError');
  });

  test('an upgrade waits until the other connections have closed', async () => {
    const name = lab.name();
    const db = await lab.open(name, 1);
    const log = new EventLog();
    db.onversionchange = (event) => {
      log.note(`versionchange ${event.oldVersion} ${event.newVersion}`);
    };
    const request = factory.open(name, 2);
    request.onblocked = (event) => {
      log.note(`blocked ${event.oldVersion} ${event.newVersion}`);
      db.close();
    };
    request.onupgradeneeded = (event) => {
      log.note(`upgradeneeded ${event.oldVersion} ${event.newVersion}`);
    };
    (await result(request)).close();
    expect(log.lines).toEqual(['versionchange 1 2', 'blocked 1 2', 'upgradeneeded 1 2']);
  });

  test('a connection that closes when asked blocks nobody', async () => {
    const name = lab.name();
    const db = await lab.open(name, 1);
    const log = new EventLog();
    db.onversionchange = () => db.close();
    const request = factory.open(name, 2);
    log.watch('request', request, ['blocked', 'upgradeneeded', 'success']);
    (await result(request)).close();
    expect(log.lines).toEqual(['request upgradeneeded', 'request success']);
  });

  test('an idbTx under way is finished before the upgrade', async () => {
    const name = lab.name();
    const db = await lab.open(name, 1, (fresh) => fresh.createObjectStore('a'));
    const log = new EventLog();
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put(1, 1);
    log.watch('tx', tx, ['complete']);
    db.close();
    const request = factory.open(name, 2);
    log.watch('request', request, ['upgradeneeded']);
    (await result(request)).close();
    expect(log.lines).toEqual(['tx complete', 'request upgradeneeded']);
  });

  test('an opening waits for the upgrade before it', async () => {
    const name = lab.name();
    const log = new EventLog();
    const first = factory.open(name, 1);
    const second = factory.open(name);
    first.onupgradeneeded = () => first.result.createObjectStore('a');
    log.watch('first', first, ['upgradeneeded', 'success']);
    log.watch('second', second, ['upgradeneeded', 'success']);
    const [one, two] = await Promise.all([result(first), result(second)]);
    expect(log.lines).toEqual(['first upgradeneeded', 'first success', 'second success']);
    expect([...two.objectStoreNames]).toEqual(['a']);
    one.close();
    two.close();
  });

  test('deleting: success with the old version, then it is gone', async () => {
    const name = lab.name();
    (await lab.open(name, 7, (db) => db.createObjectStore('a'))).close();
    const request = factory.deleteDatabase(name);
    const seen = await new Promise<unknown[]>((resolve) => {
      request.onsuccess = (event) => {
        const { oldVersion, newVersion } = event as IDBVersionChangeEvent;
        resolve([oldVersion, newVersion, request.result]);
      };
    });
    expect(seen).toEqual([7, null, undefined]);
    const db = await lab.open(name);
    expect([db.version, db.objectStoreNames.length]).toEqual([1, 0]);
  });

  test('deleting what does not exist succeeds', async () => {
    expect(await result(factory.deleteDatabase(lab.name()))).toBe(undefined);
  });

  test('deleting waits for connections; an opening after it finds nothing', async () => {
    const name = lab.name();
    const db = await lab.open(name, 3, (fresh) => fresh.createObjectStore('a'));
    const log = new EventLog();
    db.onversionchange = (event) => log.note(`versionchange ${event.newVersion}`);
    const deletion = factory.deleteDatabase(name);
    log.watch('deletion', deletion, ['blocked', 'success']);
    const opening = factory.open(name);
    opening.onupgradeneeded = (event) => log.note(`upgradeneeded ${event.oldVersion}`);
    deletion.addEventListener('blocked', () => db.close());
    (await result(opening)).close();
    expect(log.lines).toEqual([
      'versionchange null',
      'deletion blocked',
      'deletion success',
      'upgradeneeded 0',
    ]);
  });

  test('databases lists names and versions', async () => {
    const name = lab.name();
    await lab.open(name, 9);
    const found = (await factory.databases()).filter((database) => database.name === name);
    expect(found).toEqual([{ name, version: 9 }]);
  });

  test('close fires no event, and may be called again', async () => {
    const db = await lab.fresh();
    const log = new EventLog();
    log.watch('db', db, ['close']);
    db.close();
    db.close();
    await later(5);
    expect(log.lines).toEqual([]);
  });

  test('the stores of a connection are those of its version', async () => {
    const db = await lab.fresh();
    expect([...db.objectStoreNames]).toEqual(['a', 'b']);
    expect(db.objectStoreNames.contains('a')).toBe(true);
    expect(db.objectStoreNames.contains('c')).toBe(false);
    expect(db.objectStoreNames.item(1)).toBe('b');
    expect(db.objectStoreNames.item(2)).toBe(null);
    expect(await end(db.transaction(db.objectStoreNames as never))).toBe('complete');
  });
}
