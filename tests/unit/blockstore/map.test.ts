/**
 * The block map against a plain model of it: one entry per written block.
 *
 * Method: random commits over three chunks, with holes, truncations, cuts in the middle and changes of
 * the block size, applied to a map of its own and to successors that share their chunks.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentNumber } from '../../../src/blockstore/live.js';
import { BlockMap, type MapChange } from '../../../src/blockstore/map.js';
import { HOLE, KEEP_ALL } from '../../../src/format/commit.js';
import { BLOCKS_PER_CHUNK, blocksPerSegment } from '../../../src/format/layout.js';
import { type BlockSize, blockSize, version } from '../../../src/types.js';

const BLOCKS = 2 * BLOCKS_PER_CHUNK + 50;
const SMALL = blockSize(512);
const LARGE = blockSize(32_768);

interface Entry {
  readonly version: number;
  readonly slot: number;
  readonly checksum: number;
  readonly segment: number;
}

type Model = Map<number, Entry>;

const blockNumber = fc.oneof(
  fc.nat(20),
  fc.integer({ min: BLOCKS_PER_CHUNK - 2, max: BLOCKS_PER_CHUNK + 2 }),
  fc.nat(BLOCKS - 1),
);
const commit = fc.record({
  blocks: fc.uniqueArray(blockNumber, { maxLength: 12 }),
  holeAt: fc.option(fc.nat(11), { nil: undefined }),
  firstPart: fc.constantFrom(0, 0, 3),
  kept: fc.oneof(fc.constant(KEEP_ALL), blockNumber),
  /** Blocks of the file afterwards, if it is cut. */
  end: fc.option(blockNumber, { nil: undefined }),
  size: fc.constantFrom<BlockSize>(SMALL, SMALL, SMALL, LARGE),
});
type Commit = typeof commit extends fc.Arbitrary<infer T> ? T : never;

function changeOf(map: BlockMap, made: Commit): MapChange {
  const blocks = [...made.blocks];
  if (made.holeAt !== undefined && made.holeAt < blocks.length) blocks[made.holeAt] = HOLE;
  const written = Math.max(0, ...blocks.filter((b) => b !== HOLE).map((b) => b + 1));
  const end = made.end ?? Math.max(written, map.blockCount);
  return {
    version: version(map.version + 1),
    blockSize: made.size,
    fileBytes: end * made.size,
    keptBlocks: made.size === map.blockSize ? made.kept : 0,
    firstPart: made.firstPart,
    entries: {
      blocks: Uint32Array.from(blocks),
      checksums: Uint32Array.from(blocks, (b, i) => b * 31 + i + map.version),
    },
  };
}

/** What the change does to the model. @returns segments displaced and placed, chunks touched */
function applyToModel(model: Model, change: MapChange, shrinks: boolean) {
  const displaced: number[] = [];
  const placed: number[] = [];
  const touched = new Set<number>();
  const drop = (from: number) => {
    for (const [block, entry] of [...model]) {
      if (block < from) continue;
      displaced.push(entry.segment);
      touched.add(Math.floor(block / BLOCKS_PER_CHUNK));
      model.delete(block);
    }
  };
  drop(change.keptBlocks);
  const per = blocksPerSegment(change.blockSize);
  change.entries.blocks.forEach((block, i) => {
    if (block === HOLE) return;
    const slot = change.firstPart * per + i;
    const segment = segmentNumber(change.version, Math.floor(slot / per));
    const before = model.get(block);
    if (before) displaced.push(before.segment);
    const checksum = change.entries.checksums[i] as number;
    model.set(block, { version: change.version, slot, checksum, segment });
    placed.push(segment);
    touched.add(Math.floor(block / BLOCKS_PER_CHUNK));
  });
  if (shrinks) drop(Math.ceil(change.fileBytes / change.blockSize));
  return { displaced, placed, touched };
}

function contentOf(map: BlockMap): Model {
  const content: Model = new Map();
  for (let block = 0; block < BLOCKS; block++) {
    if (map.versionOf(block) === 0) continue;
    const slot = map.slotOf(block);
    const segment = segmentNumber(map.versionOf(block), Math.floor(slot / map.blocksPerSegment));
    const entry = { version: map.versionOf(block), slot, checksum: map.checksumOf(block), segment };
    content.set(block, entry);
  }
  return content;
}

const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);

test.each([false, true])('random commits, chunks shared with the map before: %s', (shared) => {
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 6 }), (commits) => {
      let map = new BlockMap({ version: version(0), blockSize: SMALL, fileBytes: 0 });
      const model: Model = new Map();
      for (const made of commits) {
        const before = map;
        const beforeContent = new Map(model);
        const change = changeOf(map, made);
        const shrinks = change.fileBytes < map.fileBytes;
        if (shared) map = map.successor();
        const effect = map.apply(change, shared);
        const expected = applyToModel(model, change, shrinks);
        expect(sorted(effect.displaced)).toEqual(sorted(expected.displaced));
        expect(effect.placed).toEqual(expected.placed);
        for (const chunk of expected.touched) expect(effect.touchedChunks).toContain(chunk);
        expect(map.version).toBe(change.version);
        expect(map.fileBytes).toBe(change.fileBytes);
        expect(map.blockSize).toBe(change.blockSize);
        expect(map.blocksPerSegment).toBe(blocksPerSegment(change.blockSize));
        expect(contentOf(map)).toEqual(model);
        const segments: number[] = [];
        map.forEachBlock((segment) => segments.push(segment));
        expect(sorted(segments)).toEqual(sorted([...model.values()].map((e) => e.segment)));
        // I5: what a reader pinned does not change.
        if (shared) {
          expect(contentOf(before)).toEqual(beforeContent);
          expect(before.version).toBe(change.version - 1);
        }
      }
    }),
    { numRuns: 60 },
  );
});

function at(fileBytes: number): BlockMap {
  return new BlockMap({ version: version(4), blockSize: SMALL, fileBytes });
}

function write(map: BlockMap, blocks: readonly number[], more: Partial<MapChange> = {}) {
  const end = Math.max(map.blockCount, ...blocks.map((block) => block + 1));
  const change: MapChange = {
    version: version(map.version + 1),
    blockSize: map.blockSize,
    fileBytes: end * map.blockSize,
    keptBlocks: KEEP_ALL,
    firstPart: 0,
    entries: { blocks: Uint32Array.from(blocks), checksums: new Uint32Array(blocks.length) },
    ...more,
  };
  return map.apply(change, false);
}

test('a short last block counts', () => {
  expect([0, 1, 512, 513].map((bytes) => at(bytes).blockCount)).toEqual([0, 1, 1, 2]);
});

test('a map and its successor are of one lineage; a new one is of the first', () => {
  const map = at(0);
  expect(map).toMatchObject({ lineage: 0, pins: 0 });
  map.lineage = 3;
  map.pins = 2;
  expect(map.successor()).toMatchObject({ lineage: 3, pins: 0, version: 4 });
});

test('a commit touches the chunks of its blocks, a cut those from its place on', () => {
  const map = at(0);
  const first = 5;
  const second = BLOCKS_PER_CHUNK + 5;
  const third = 2 * BLOCKS_PER_CHUNK + 5;
  expect([...write(map, [first, third]).touchedChunks]).toEqual([0, 2]);
  expect([...write(map, [second]).touchedChunks]).toEqual([1]);
  const cut = write(map, [], { fileBytes: (second + 1) * 512 });
  expect([...cut.touchedChunks]).toEqual([1, 2]);
  expect(map.versionOf(second)).toBe(6);
  // Chunks without a block are given up, at the end and at the cut.
  expect(map.chunks).toHaveLength(2);
  const whole = write(map, [], { fileBytes: BLOCKS_PER_CHUNK * 512 });
  expect([...whole.touchedChunks]).toEqual([1]);
  expect(map.chunks).toHaveLength(1);
});

test('a cut beyond what is written touches nothing, and neither does growing', () => {
  const map = at(0);
  write(map, [5], { fileBytes: 3000 * 512 });
  expect([...write(map, [], { fileBytes: 2000 * 512 }).touchedChunks]).toEqual([]);
  expect([...write(map, [], { fileBytes: 4000 * 512 }).touchedChunks]).toEqual([]);
});

test('a gap between chunks is not touched by a cut', () => {
  const map = at(0);
  write(map, [5, 2 * BLOCKS_PER_CHUNK + 5]);
  expect([...write(map, [], { fileBytes: 0 }).touchedChunks]).toEqual([0, 2]);
  expect(map.chunks).toHaveLength(0);
});

test('a map that nobody shares is changed in place, a shared chunk is copied once', () => {
  const map = at(0);
  write(map, [5]);
  const [chunk] = map.chunks;
  write(map, [6]);
  expect(map.chunks[0]).toBe(chunk);
  const next = map.successor();
  expect(next.chunks[0]).toBe(chunk);
});

test('a block that was never written has no version, slot or checksum', () => {
  const map = at(0);
  write(map, [5]);
  for (const block of [6, 3 * BLOCKS_PER_CHUNK]) {
    expect([map.versionOf(block), map.slotOf(block), map.checksumOf(block)]).toEqual([0, 0, 0]);
  }
});
