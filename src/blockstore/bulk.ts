/**
 * Fetches many segments of one file with few large requests.
 *
 *   I9  LANES idbTxs at a time, each with at most TX_SPANS requests of SPAN_SEGMENTS segments.
 *
 * IndexedDB is bound by requests, so neighbours come by one `getAll`. Where a dead segment may lie
 * between two wanted ones their keys are asked for as well; what such a span does not give, because
 * too much that is dead lies inside, is then asked for singly.
 */
import { segmentKey } from '../format/keys.js';
import type { FileId, Version } from '../types.js';
import type { Connection } from './connection.js';
import { placeOfSegment, segmentNumber } from './live.js';
import { type Requests, result } from './requests.js';

const SPAN_SEGMENTS = 8;
const TX_SPANS = 16;
const LANES = 2;
/** Values one request may return: a span that holds more of what is dead is cut off. */
const VALUES_MAX = 2 * SPAN_SEGMENTS;

export type SegmentBytes = Uint8Array<ArrayBuffer>;

export interface BulkFetch {
  readonly connection: Connection;
  readonly file: FileId;
  /** Segment numbers, in order. */
  readonly wanted: readonly number[];
  /** Called for each as it comes; again for some if the connection is lost in between. */
  readonly arrived: (segment: number, bytes: SegmentBytes) => void;
}

/** Fetches what is wanted; returns the segments that the store does not have. */
export async function fetchSegments(fetch: BulkFetch): Promise<number[]> {
  const found = new Set<number>();
  const arrived = (segment: number, bytes: SegmentBytes) => {
    found.add(segment);
    fetch.arrived(segment, bytes);
  };
  await fetchSpans({ ...fetch, arrived }, spansOf(fetch.wanted, SPAN_SEGMENTS));
  const singly = fetch.wanted.filter((segment) => !found.has(segment));
  await fetchSpans({ ...fetch, arrived }, spansOf(singly, 1));
  return singly.filter((segment) => !found.has(segment));
}

async function fetchSpans(fetch: BulkFetch, spans: readonly (readonly number[])[]): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < spans.length) {
      const batch = spans.slice(next, next + TX_SPANS);
      next += TX_SPANS;
      await fetch.connection.read(['segments'], (r) =>
        Promise.all(batch.map((span) => fetchSpan(r, fetch, span))),
      );
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function fetchSpan(r: Requests, fetch: BulkFetch, span: readonly number[]): Promise<void> {
  const [first, last] = [span[0], span.at(-1)];
  if (first === undefined || last === undefined) return;
  const give = (segment: number, value: unknown) => {
    if (value instanceof ArrayBuffer) fetch.arrived(segment, new Uint8Array(value));
  };
  const lower = keyOf(fetch.file, first);
  if (first === last) return give(first, await result(r.get('segments', lower)));
  const bounds = [lower, keyOf(fetch.file, last)] as const;
  const gapless = last - first === span.length - 1;
  const [values, keys] = await Promise.all([
    result(r.getAll('segments', bounds, VALUES_MAX)),
    gapless ? undefined : result(r.getAllKeys('segments', bounds, VALUES_MAX)),
  ]);
  const found = keys?.map(segmentOf);
  // One of a gapless span is missing: which one is found out singly.
  if (!found && values.length !== span.length) return;
  for (const segment of span) {
    const at = found ? found.indexOf(segment) : segment - first;
    if (at >= 0) give(segment, values[at]);
  }
}

/** Splits into runs of at most `countMax` in which neighbouring versions follow each other. */
function spansOf(segments: readonly number[], countMax: number): number[][] {
  const spans: number[][] = [];
  let before = 0;
  for (const segment of segments) {
    const span = spans.at(-1);
    const { version } = placeOfSegment(segment);
    if (span && span.length < countMax && version - before <= 1) span.push(segment);
    else spans.push([segment]);
    before = version;
  }
  return spans;
}

function keyOf(file: FileId, segment: number): [number, number, number] {
  const { version, part } = placeOfSegment(segment);
  return segmentKey(file, version as Version, part);
}

function segmentOf(key: IDBValidKey): number {
  const [, version = 0, part = 0] = key as number[];
  return segmentNumber(version, part);
}
