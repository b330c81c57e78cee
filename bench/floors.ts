/** What workloads ask of IndexedDB at least: the same bytes, in as few and as large requests as pay. */
import { expectEqual, type LoopOptions, loop, once } from './measure.ts';
import type { Floor, RawStore } from './types.ts';

const PAGE_BYTES = 4096;
/** Values from 64 KiB on take a slower path in Chromium when they are written alone. */
const RECORD_BYTES_MAX = 60 * 1024;
const ROWS_BYTES = 10_000_000;
const ROWS_RECORDS = Math.ceil(ROWS_BYTES / RECORD_BYTES_MAX);
const PAGES = Math.ceil(ROWS_BYTES / PAGE_BYTES);
const FIRST_PAGE = 1_000_000;
/** Records to a `getAll`, and calls under way at a time: the quickest found. */
const SCAN_RECORDS = 8;
const SCAN_CALLS = 4;

/** Commits of `pages` pages, each one idbTx. */
export function commits(options: LoopOptions & { readonly pages: number }): Floor {
  return {
    async run(store) {
      const records = recordsOf(options.pages * PAGE_BYTES);
      const measurement = await loop(
        (i) => store.put(records.map((bytes, part) => [i * records.length + part, bytes])),
        options,
      );
      const count = (options.iterations + options.warmup) * records.length;
      expectEqual((await store.getAll(0, count)).length, count, 'number of records');
      return measurement;
    },
  };
}

/** Everything at once, in one idbTx. */
export const writeRows: Floor = {
  async run(store) {
    const records = recordsOf(ROWS_BYTES);
    const measurement = await once(() => store.put(records.map((bytes, i) => [i, bytes])));
    expectEqual(await scan(store), ROWS_BYTES, 'bytes');
    return measurement;
  },
};

export const scanRows: Floor = {
  prepare: fill,
  async run(store) {
    let bytes = 0;
    const measurement = await once(async () => {
      bytes = await scan(store);
    });
    expectEqual(bytes, ROWS_BYTES, 'bytes');
    return measurement;
  },
};

/** `count` reads, each of one page and in an idbTx of its own. */
export function readPages(count: number): Floor {
  return {
    prepare: fill,
    async run(store) {
      let bytes = 0;
      const measurement = await loop(
        async (i) => {
          const page = await store.get(FIRST_PAGE + ((i * 997) % PAGES));
          bytes += page?.byteLength ?? 0;
        },
        { iterations: count, warmup: 0 },
      );
      expectEqual(bytes, count * PAGE_BYTES, 'bytes');
      return measurement;
    },
  };
}

async function fill(store: RawStore): Promise<void> {
  await store.put(recordsOf(ROWS_BYTES).map((bytes, i) => [i, bytes]));
  const pages = Array.from({ length: PAGES }, (_, i) => [FIRST_PAGE + i, filled(PAGE_BYTES)]);
  await store.put(pages as [number, Uint8Array][]);
}

async function scan(store: RawStore): Promise<number> {
  let bytes = 0;
  let next = 0;
  const read = async () => {
    while (next < ROWS_RECORDS) {
      const first = next;
      next += SCAN_RECORDS;
      const last = Math.min(next, ROWS_RECORDS) - 1;
      for (const record of await store.getAll(first, last)) bytes += record.byteLength;
    }
  };
  await Promise.all(Array.from({ length: SCAN_CALLS }, read));
  return bytes;
}

function recordsOf(byteCount: number): Uint8Array[] {
  const count = Math.ceil(byteCount / RECORD_BYTES_MAX);
  return Array.from({ length: count }, (_, i) =>
    filled(Math.min(RECORD_BYTES_MAX, byteCount - i * RECORD_BYTES_MAX)),
  );
}

/** Bytes that hardly compress. */
function filled(byteCount: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(byteCount));
}
