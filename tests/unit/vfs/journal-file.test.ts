import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JournalFile } from '../../../src/vfs/journal-file.js';
import type { SnapshotPages } from '../../../src/vfs/snapshot-pages.js';

const PAGE_BYTES = 512;

/** Pages 1 … 9 filled with their number; even ones are "in memory", the others have to be loaded. */
class Snapshot implements SnapshotPages {
  readonly pageBytes = PAGE_BYTES;
  current = true;
  loads = 0;
  isCurrent(): boolean {
    return this.current;
  }
  peek(page: number): Uint8Array | undefined {
    return page % 2 === 0 ? pageOf(page) : undefined;
  }
  async load(page: number): Promise<Uint8Array> {
    this.loads++;
    return pageOf(page);
  }
}

function pageOf(page: number): Uint8Array {
  return new Uint8Array(PAGE_BYTES).fill(page);
}

function numberOf(page: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, page);
  return bytes;
}

function journalOver(snapshot: Snapshot | undefined, imageBytesMax = 1 << 20): JournalFile {
  return new JournalFile({ imageBytesMax, pagesOf: () => snapshot });
}

/** Journals a page as SQLite does, after what is there. */
async function record(journal: JournalFile, page: number, image: Uint8Array): Promise<number> {
  const start = journal.size;
  await journal.write(numberOf(page), start);
  await journal.write(image, start + 4);
  await journal.write(new Uint8Array(4).fill(0xcc), start + 4 + PAGE_BYTES);
  return start + 4;
}

async function readBack(journal: JournalFile, offset: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length).fill(0xee);
  if (journal.read(target, offset) === undefined) {
    await journal.load(offset, length);
    expect(journal.read(target, offset)).toBeDefined();
  }
  return target;
}

describe('a journal in memory', () => {
  // Goal: no copy is held of what the store has. Method: journal pages as they are.
  test('holds no image of a page that equals the snapshot and is in memory', async () => {
    const journal = journalOver(new Snapshot());
    const at = await record(journal, 4, pageOf(4));
    expect(journal).toMatchObject({ imageBytes: 0, referenceCount: 1 });
    expect(await readBack(journal, at, PAGE_BYTES)).toEqual(pageOf(4));
  });

  test('keeps an image that differs from the snapshot', async () => {
    const journal = journalOver(new Snapshot());
    const at = await record(journal, 4, pageOf(77));
    expect(journal).toMatchObject({ imageBytes: PAGE_BYTES, referenceCount: 0 });
    expect(await readBack(journal, at, PAGE_BYTES)).toEqual(pageOf(77));
  });

  // Goal: the bound holds for pages that are not in memory, too. Method: a limit of two images.
  test('fetches pages to compare once its images reach the limit', async () => {
    const snapshot = new Snapshot();
    const journal = journalOver(snapshot, 2 * PAGE_BYTES);
    const offsets = [];
    for (const page of [1, 3, 5, 7, 9]) offsets.push(await record(journal, page, pageOf(page)));
    expect(journal).toMatchObject({ imageBytes: 2 * PAGE_BYTES, referenceCount: 3 });
    expect(snapshot.loads).toBe(3);
    expect(await readBack(journal, offsets[4] as number, PAGE_BYTES)).toEqual(pageOf(9));
  });

  test('knows the page that was read last, until something is written', async () => {
    const journal = journalOver(new Snapshot());
    const at = await record(journal, 6, pageOf(6));
    await readBack(journal, at, PAGE_BYTES);
    expect(journal.takeImage(4)).toBeUndefined();
    expect(journal.takeImage(6)).toEqual(pageOf(6));
    expect(journal.takeImage(6)).toBeUndefined();
    await readBack(journal, at, PAGE_BYTES);
    await record(journal, 8, pageOf(8));
    expect(journal.takeImage(6)).toBeUndefined();
  });

  // Goal: a reference never shows another version's page. Method: end the sqliteTx.
  test('reads a reference as zeros once its sqliteTx has ended', async () => {
    const snapshot = new Snapshot();
    const journal = journalOver(snapshot);
    const at = await record(journal, 2, pageOf(2));
    snapshot.current = false;
    expect(await readBack(journal, at, PAGE_BYTES)).toEqual(new Uint8Array(PAGE_BYTES));
  });

  test('a header is changed in place, and a new sqliteTx writes over the old one', async () => {
    const journal = journalOver(new Snapshot());
    await journal.write(new Uint8Array(512).fill(1), 0);
    await record(journal, 4, pageOf(4));
    await journal.write(new Uint8Array(12).fill(9), 0);
    expect(await readBack(journal, 8, 8)).toEqual(Uint8Array.of(9, 9, 9, 9, 1, 1, 1, 1));
    expect(journal.size).toBe(512 + 4 + PAGE_BYTES + 4);
    await journal.write(numberOf(8), 512);
    await journal.write(pageOf(8), 516);
    expect(await readBack(journal, 512, 4 + PAGE_BYTES)).toEqual(
      new Uint8Array([...numberOf(8), ...pageOf(8)]),
    );
  });
});

// Goal: it is a file. Method: appends, truncations and reads against a plain array, by seed.
test('a journal answers like a plain file', async () => {
  const step = fc.oneof(
    fc.record({ page: fc.integer({ min: 1, max: 9 }), same: fc.boolean() }),
    fc.record({ append: fc.uint8Array({ minLength: 1, maxLength: 90 }) }),
    fc.record({ truncate: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const journal = journalOver(new Snapshot(), 4 * PAGE_BYTES);
      let model = new Uint8Array(0);
      const add = (bytes: Uint8Array) => {
        model = new Uint8Array([...model, ...bytes]);
      };
      for (const done of steps) {
        if ('page' in done) {
          const image = done.same ? pageOf(done.page) : pageOf(100 + done.page);
          await record(journal, done.page, image);
          add(new Uint8Array([...numberOf(done.page), ...image, 0xcc, 0xcc, 0xcc, 0xcc]));
        } else if ('append' in done) {
          await journal.write(done.append, journal.size);
          add(done.append);
        } else {
          const size = Math.floor(done.truncate * model.length);
          // A file is not cut inside a page's image: SQLite cuts journals at record or header ends.
          if (await splitsReference(journal, size)) continue;
          journal.truncate(size);
          model = model.slice(0, size);
        }
        expect(journal.size).toBe(model.length);
        expect(await readBack(journal, 0, model.length)).toEqual(model);
      }
    }),
  );
});

async function splitsReference(journal: JournalFile, size: number): Promise<boolean> {
  const before = journal.referenceCount;
  const copy = await readBack(journal, 0, journal.size);
  if (before === 0) return false;
  // Cut points inside an image are told by the bytes around them being one page's.
  return size > 0 && size < copy.length && copy[size] === copy[size - 1];
}
