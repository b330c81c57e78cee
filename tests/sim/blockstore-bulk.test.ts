import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchSegments } from '../../src/blockstore/bulk.js';
import { Connection } from '../../src/blockstore/connection.js';
import { placeOfSegment, segmentNumber } from '../../src/blockstore/live.js';
import { installGlobals, SimulatedIndexedDB } from '../../src/testing/index.js';
import type { FileId } from '../../src/types.js';

const FILE = 3 as FileId;

let uninstall = () => {};
beforeEach(() => {
  uninstall = installGlobals();
});
afterEach(() => uninstall());

/** A volume whose file has the segments given, each with its own number as content. */
async function volumeWith(segments: readonly number[]): Promise<Connection> {
  const factory = new SimulatedIndexedDB({ seed: 1 }).openTab();
  const connection = new Connection({
    name: 'bulk',
    factory,
    now: () => 0,
    requestTimeoutMs: 1000,
    timer: () => () => undefined,
  });
  await connection.write(['segments'], 'default', (r) => {
    for (const segment of segments) {
      const { version, part } = placeOfSegment(segment);
      r.add('segments', [FILE, version, part], new Float64Array([segment]).buffer);
    }
    // Neighbours of other files, which no span may take in.
    for (const file of [FILE - 1, FILE + 1]) r.add('segments', [file, 1, 0], new ArrayBuffer(8));
    r.tx.commit();
  });
  return connection;
}

/** What arrives, by segment, and what is missing. */
async function fetched(
  connection: Connection,
  wanted: readonly number[],
): Promise<{ arrived: Map<number, number>; missing: number[] }> {
  const arrived = new Map<number, number>();
  const missing = await fetchSegments({
    connection,
    file: FILE,
    wanted,
    arrived: (segment, bytes) => {
      arrived.set(segment, new Float64Array(bytes.buffer)[0] as number);
    },
  });
  return { arrived, missing };
}

describe('fetching many segments at once', () => {
  // Goal: every segment comes as itself, whatever lies between, and what is not there is named.
  // Method: random segments, some dead and so not asked for, some gone; the contents are their numbers.
  test('gives each wanted segment that is there and names the others', async () => {
    const versions = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 30 })),
      { selector: ([version, part]) => segmentNumber(version, part), maxLength: 120 },
    );
    const kinds = fc.infiniteStream(fc.constantFrom('live', 'live', 'live', 'dead', 'gone'));
    await fc.assert(
      fc.asyncProperty(versions, kinds, async (places, drawn) => {
        const segments = places.map(([version, part]) => segmentNumber(version, part));
        const kindOf = new Map(segments.map((segment) => [segment, drawn.next().value as string]));
        const of = (...wanted: string[]) =>
          segments.filter((s) => wanted.includes(kindOf.get(s) ?? '')).sort((a, b) => a - b);
        const connection = await volumeWith(of('live', 'dead'));
        const { arrived, missing } = await fetched(connection, of('live', 'gone'));
        const live = of('live');
        expect([...arrived.keys()].sort((a, b) => a - b)).toEqual(live);
        expect([...arrived.values()].sort((a, b) => a - b)).toEqual(live);
        expect([...arrived].every(([segment, content]) => segment === content)).toBe(true);
        expect(missing).toEqual(of('gone'));
        await connection.close();
      }),
      { numRuns: 60 },
    );
  });

  // Goal: where neighbours are fetched without their keys, none is taken for another. Method: each of a
  // run of eight, and two of them, are gone.
  test.each([[0], [3], [7], [0, 7], [2, 3]])(
    'of neighbours, parts %j are gone',
    async (...gone) => {
      const segments = Array.from({ length: 8 }, (_, part) => segmentNumber(2, part));
      const isGone = (segment: number) => gone.some((part) => segment === segmentNumber(2, part));
      const connection = await volumeWith(segments.filter((segment) => !isGone(segment)));
      const { arrived, missing } = await fetched(connection, segments);
      expect([...arrived].filter(([segment, content]) => segment !== content)).toEqual([]);
      expect(arrived.size).toBe(8 - gone.length);
      expect(missing).toEqual(segments.filter(isGone));
      await connection.close();
    },
  );

  // Goal: what is dead is asked for by no request of its own. Method: every second of a run is dead; those
  // between are found in one request for values and one for keys.
  test('finds what is wanted between what is dead', async () => {
    const segments = Array.from({ length: 15 }, (_, part) => segmentNumber(2, part));
    const connection = await volumeWith(segments);
    const wanted = segments.filter((_, i) => i % 2 === 0);
    const before = connection.counters.requests;
    const { arrived, missing } = await fetched(connection, wanted);
    expect([...arrived]).toEqual(wanted.map((segment) => [segment, segment]));
    expect(missing).toEqual([]);
    expect(connection.counters.requests - before).toBe(2);
    await connection.close();
  });

  // Goal: what is dead costs no more bytes than what is wanted. Method: ends of a run of 21 are wanted; the
  // upper one is behind what a request may return, and comes singly.
  test('does not read through much that is dead', async () => {
    const segments = Array.from({ length: 21 }, (_, part) => segmentNumber(2, part));
    const connection = await volumeWith(segments);
    const wanted = [0, 15, 20].map((part) => segmentNumber(2, part));
    const before = connection.counters.requests;
    const { arrived, missing } = await fetched(connection, wanted);
    expect([...arrived.keys()]).toEqual(wanted);
    expect(missing).toEqual([]);
    expect(connection.counters.requests - before).toBe(2 + 1);
    await connection.close();
  });

  // Goal: versions that follow each other come together, and what lies between others is not read. Method: one
  // segment of each version; eight neighbours by one request for values and one for keys, two ends by one each.
  test.each([
    ['eight that follow each other', [1, 2, 3, 4, 5, 6, 7, 8], 2],
    ['two that do not', [1, 30], 2],
    ['none', [], 0],
  ])('asks for versions: %s', async (_which, versions, requests) => {
    const all = Array.from({ length: 30 }, (_, i) => segmentNumber(i + 1, 0));
    const connection = await volumeWith(all);
    const before = { ...connection.counters };
    const wanted = versions.map((version) => segmentNumber(version, 0));
    const { arrived, missing } = await fetched(connection, wanted);
    expect([...arrived.keys()].sort((a, b) => a - b)).toEqual(wanted);
    expect(missing).toEqual([]);
    expect(connection.counters.requests - before.requests).toBe(requests);
    // An idbTx in which nothing is asked is not begun.
    expect(connection.counters.transactions - before.transactions).toBe(Math.min(requests, 1));
    await connection.close();
  });

  // Goal: few requests where segments lie side by side. Method: 800 parts of one version: eight a request.
  test('takes one request for eight neighbours', async () => {
    const segments = Array.from({ length: 800 }, (_, part) => segmentNumber(1, part));
    const connection = await volumeWith(segments);
    const before = connection.counters.requests;
    const { arrived, missing } = await fetched(connection, segments);
    expect(arrived.size).toBe(800);
    expect(missing).toEqual([]);
    expect(connection.counters.requests - before).toBe(100);
    await connection.close();
  });
});
