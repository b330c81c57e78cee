/**
 * What one connection sees of a file: its snapshot, with its own draft on top.
 *
 *   I7  Bytes come out checked, or not at all.
 *   I8  A segment gone from the store is SQLITE_BUSY_SNAPSHOT if a newer commit took it, else damage.
 *
 * `peek` answers at once when the block is in memory; null stands for a block of zeros.
 */
import type { Draft } from '../blockstore/draft.js';
import type { BlockFile } from '../blockstore/file.js';
import { segmentNumber } from '../blockstore/live.js';
import type { BlockMap } from '../blockstore/map.js';
import type { ReadAhead } from '../blockstore/readahead.js';
import { BusyError, CorruptionError } from '../errors.js';
import { blockChecksum } from '../format/checksum.js';
import { segmentKey } from '../format/keys.js';
import type { BlockNumber } from '../types.js';

export class View {
  readonly map: BlockMap;
  readonly draft: Draft | undefined;
  readonly #file: BlockFile;
  readonly #readAhead: ReadAhead;

  constructor(file: BlockFile, readAhead: ReadAhead, map: BlockMap, draft: Draft | undefined) {
    this.#file = file;
    this.#readAhead = readAhead;
    this.map = map;
    this.draft = draft;
  }

  get blockSize(): number {
    return this.draft?.blockSize ?? this.map.blockSize;
  }

  get fileBytes(): number {
    return this.draft?.fileBytes ?? this.map.fileBytes;
  }

  /** The block's bytes, null for zeros, undefined if they have to be fetched. */
  peek(block: number): Uint8Array | null | undefined {
    const { draft, map } = this;
    if (draft) {
      const where = draft.whereabouts(block);
      if (where.tag === 'staged') return where.bytes;
      if (where.tag === 'zeros') return null;
      if (where.tag === 'sent') return undefined;
      if (draft.under) return this.#composeNow(draft, draft.under, block);
    } else if (map.versionOf(block) === 0) {
      return null;
    }
    const bytes = this.#file.reader.bytesOf(map, block);
    if (bytes) this.#readOn(block);
    return bytes;
  }

  /** The same for a block that nobody has asked for, see SegmentReader. */
  glance(block: number): Uint8Array | null | undefined {
    const { draft, map } = this;
    const where = draft?.whereabouts(block);
    if (where?.tag === 'staged') return where.bytes;
    if (where?.tag === 'zeros') return null;
    if (where?.tag === 'sent' || draft?.under) return undefined;
    if (map.versionOf(block) === 0) return null;
    const bytes = this.#file.reader.glance(map, block);
    if (bytes) this.#readOn(block);
    return bytes;
  }

  #readOn(block: number): void {
    if (!this.#readAhead.isTrigger(block)) return;
    const { reader } = this.#file;
    reader.prefetch(this.map, this.#readAhead.extend(this.map, reader));
  }

  /** The block's bytes, fetched if need be; null for zeros. */
  async load(block: number): Promise<Uint8Array | null> {
    const { draft } = this;
    const where = draft?.whereabouts(block);
    if (where?.tag === 'staged') return where.bytes;
    if (where?.tag === 'zeros') return null;
    if (draft && where?.tag === 'sent') return await this.#loadSent(draft, block, where);
    if (draft?.under) return await this.#compose(draft, draft.under, block);
    return await this.#loadBase(block);
  }

  async #loadBase(block: number): Promise<Uint8Array | null> {
    const { map } = this;
    if (map.versionOf(block) === 0) return null;
    const { reader } = this.#file;
    const ahead = this.#readAhead.onMiss(map, block, reader);
    const fetching = reader.peek(map, block) ?? reader.fetch(map, block, ahead);
    reader.prefetch(map, this.#readAhead.around(map, block, reader));
    const segment = await fetching;
    if (!segment) throw await this.#whyMissing(block);
    return reader.blockOf(map, block, segment);
  }

  /** A spilled block: from the cache, or back from the store. */
  async #loadSent(
    draft: Draft,
    block: number,
    sent: { readonly part: number; readonly slot: number; readonly checksum: number },
  ): Promise<Uint8Array> {
    const { reader, file, algorithm, connection } = this.#file;
    const segment =
      reader.cached.get(segmentNumber(draft.version, sent.part)) ??
      (await reader.fetchPlace(
        { version: draft.version, part: sent.part },
        draft.blocksPerSegment,
      ));
    const start = sent.slot * draft.blockSize;
    const bytes = segment?.bytes.subarray(start, start + draft.blockSize);
    const id = { file, block: block as BlockNumber, version: draft.version };
    if (!bytes || blockChecksum(algorithm, id, bytes) !== sent.checksum) {
      const key = segmentKey(file, draft.version, sent.part);
      const location = { volume: connection.name, store: 'segments', key } as const;
      throw new CorruptionError(location, 'a spilled segment lost or damaged');
    }
    return bytes;
  }

  /** A block of a new block size, put together from what lies under the draft. */
  async #compose(draft: Draft, under: Draft, block: number): Promise<Uint8Array | null> {
    const below = new View(this.#file, this.#readAhead, this.map, under);
    const pieces: (Uint8Array | null)[] = [];
    for (const { source } of piecesOf(draft, under, block)) pieces.push(await below.load(source));
    return compose(draft, under, block, pieces);
  }

  /** The same if all of it is in memory. */
  #composeNow(draft: Draft, under: Draft, block: number): Uint8Array | null | undefined {
    const below = new View(this.#file, this.#readAhead, this.map, under);
    const pieces: (Uint8Array | null)[] = [];
    for (const { source } of piecesOf(draft, under, block)) {
      const piece = below.peek(source);
      if (piece === undefined) return undefined;
      pieces.push(piece);
    }
    return compose(draft, under, block, pieces);
  }

  async #whyMissing(block: number): Promise<Error> {
    const file = this.#file;
    const missing = file.reader.missing(this.map, block);
    await file.refresh();
    const { map } = file.state;
    const gone = file.record === undefined;
    if (!gone && map.version === this.map.version) return missing;
    // A newer version that still lists the segment has lost it as well.
    const listed =
      map.versionOf(block) === this.map.versionOf(block) && map.blockSize === this.map.blockSize;
    if (!gone && listed) return missing;
    const why = gone ? 'another context deleted it' : 'its snapshot is too old to be read';
    return new BusyError(file.path, why, { snapshot: true });
  }
}

interface Piece {
  /** The block under the draft. */
  readonly source: number;
  readonly from: number;
  readonly length: number;
  /** Where it goes in the block put together. */
  readonly to: number;
}

/** Which parts of the blocks under a draft a block of it is made of. */
function piecesOf(draft: Draft, under: Draft, block: number): Piece[] {
  const start = block * draft.blockSize;
  const end = Math.min(start + draft.blockSize, draft.underBytes);
  const pieces: Piece[] = [];
  for (let position = start; position < end; ) {
    const source = Math.floor(position / under.blockSize);
    const from = position - source * under.blockSize;
    const length = Math.min(under.blockSize - from, end - position);
    pieces.push({ source, from, length, to: position - start });
    position += length;
  }
  return pieces;
}

function compose(
  draft: Draft,
  under: Draft,
  block: number,
  pieces: readonly (Uint8Array | null)[],
): Uint8Array | null {
  if (pieces.every((piece) => piece === null)) return null;
  const bytes = new Uint8Array(draft.blockSize);
  for (const [i, { from, length, to }] of piecesOf(draft, under, block).entries()) {
    const piece = pieces[i];
    if (piece) bytes.set(piece.subarray(from, from + length), to);
  }
  return bytes;
}
