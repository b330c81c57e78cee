/**
 * Applies changes to a copy, in one pass over both, and proves the result.
 *
 *   I7  A block that is kept has the checksum that the source's map has for it; a block that is sent has
 *       that of its frame. So a result that comes to its end is the source's, byte for byte.
 *   I9  Holds one frame's pages and as many bytes of the base.
 *
 * Where the changes name their base by a digest, all of the base is compared with it as well.
 */
import { ChangesError } from '../errors.js';
import { blockChecksum, xxh32 } from '../format/checksum.js';
import type { BlockNumber, FileId, Version } from '../types.js';
import {
  CHANGES_HEADER_BYTES,
  type ChangesHeader,
  decodeChangesHeader,
  decodeFrame,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  type Frame,
  frameBlocksMax,
  keptDigest,
} from './changes-format.js';
import { ContentDigest } from './digest.js';
import { type BackupMark, fileName } from './mark.js';
import type { SourceReader } from './source.js';

/** A part of the result, in order from its first byte to its last. */
export interface Piece {
  /** It is as in the base. */
  readonly isKept: boolean;
  readonly offset: number;
  /** Good until the next piece is asked for. */
  readonly bytes: Uint8Array;
}

/** Some blocks of a frame, `done` behind its first. */
interface FramePart {
  readonly done: number;
  readonly count: number;
  /** What the base has there. */
  readonly old: Uint8Array;
}

export interface ApplyDeps {
  /** For messages. */
  readonly path: string;
  /** Changes page 1 of the result, which is always sent; not called if nothing has changed. */
  readonly amend?: (page: Uint8Array, basePage: Uint8Array, header: ChangesHeader) => void;
}

export class Application {
  readonly header: ChangesHeader;
  readonly #changes: SourceReader;
  readonly #seed: number;
  readonly #deps: ApplyDeps;
  readonly #result: ContentDigest = new ContentDigest();
  readonly #baseContent: ContentDigest = new ContentDigest();
  /** Of the blocks of the frame that is being checked. */
  #checksums: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  #frames = 0;
  #nextBlock = 0;

  /** Reads the header. @throws ChangesError */
  static async begin(changes: SourceReader, deps: ApplyDeps): Promise<Application> {
    const decoded = decodeChangesHeader(await changes.take(CHANGES_HEADER_BYTES));
    if (typeof decoded === 'string') throw new ChangesError(deps.path, 'damaged', decoded);
    return new Application(decoded, changes, deps);
  }

  private constructor(
    decoded: { readonly header: ChangesHeader; readonly checksum: number },
    changes: SourceReader,
    deps: ApplyDeps,
  ) {
    this.header = decoded.header;
    this.#seed = decoded.checksum;
    this.#changes = changes;
    this.#deps = deps;
  }

  /**
   * The result, piece by piece. It counts when the last piece was taken without an error, not before.
   * @throws ChangesError
   */
  async *pieces(base: SourceReader): AsyncGenerator<Piece, void> {
    const { pageBytes, fileBytes } = this.header;
    for (;;) {
      const frame = await this.#nextFrame();
      if (frame.kind === 'end') break;
      const pagesMax = FRAME_BYTES_MAX / pageBytes;
      for (let done = 0; done < frame.count; ) {
        const count = Math.min(frame.count - done, pagesMax);
        const offset = (frame.first + done) * pageBytes;
        const old = await this.#takeBase(base, count * pageBytes);
        const bytes = await this.#bytesOf(frame, { done, count, old, offset });
        this.#result.add(bytes.subarray(0, fileBytes - offset));
        yield { isKept: frame.kind === 'keep', offset, bytes };
        done += count;
      }
    }
    await this.#finishBase(base);
  }

  /** What the result is, once it has come to its end. */
  end(): BackupMark {
    const { header } = this;
    const digest = this.#result.end();
    const { version, pageBytes, fileBytes: bytes } = header;
    return { file: fileName(header), version, bytes, pageBytes, digest };
  }

  /** Checked against the one before: every block is told of once. */
  async #nextFrame(): Promise<Frame> {
    const { pageBytes, fileBytes } = this.header;
    const head = await this.#changes.take(FRAME_HEAD_BYTES);
    if (head.length === 0) throw this.#damaged('they end before their last frame');
    const frame = decodeFrame(head, { number: this.#frames, seed: this.#seed });
    const blockCount = Math.ceil(fileBytes / pageBytes);
    if (!frame || frame.first !== this.#nextBlock) {
      throw this.#damaged(`frame ${this.#frames} is damaged, or not the next one`);
    }
    if (frame.kind === 'end') {
      const isWhole = frame.count === this.#frames && this.#nextBlock === blockCount;
      if (!isWhole) throw this.#damaged('blocks are missing');
      return frame;
    }
    const end = frame.first + frame.count;
    const most = frameBlocksMax(frame.kind, pageBytes);
    if (frame.count === 0 || frame.count > most || end > blockCount) {
      throw this.#damaged(`frame ${this.#frames} tells of blocks that there are not`);
    }
    this.#frames++;
    this.#nextBlock = end;
    return frame;
  }

  async #bytesOf(frame: Frame, part: FramePart & { readonly offset: number }): Promise<Uint8Array> {
    const bytes = part.count * this.header.pageBytes;
    switch (frame.kind) {
      case 'keep':
        this.#check(frame, part);
        return part.old;
      case 'zeros':
        return new Uint8Array(bytes);
      default: {
        const pages = await this.#changes.take(bytes);
        if (pages.length < bytes || xxh32(pages, 0) !== frame.digest) {
          throw this.#damaged(`the pages of frame ${this.#frames - 1} are not as they were sent`);
        }
        const isSame = this.header.since === this.header.version;
        if (part.offset > 0 || isSame || !this.#deps.amend) return pages;
        const amended = pages.slice();
        this.#deps.amend(amended, part.old, this.header);
        return amended;
      }
    }
  }

  /** I7: a block that is kept is the source's. */
  #check(frame: Frame, part: FramePart): void {
    const { pageBytes, algorithm, file } = this.header;
    const { done, count, old } = part;
    if (old.length < count * pageBytes) throw this.#otherBase('it is too short');
    if (done === 0) this.#checksums = new Uint32Array(frame.count);
    for (let i = 0; i < count; i++) {
      const block = (frame.first + done + i) as BlockNumber;
      const id = { file: file as FileId, block, version: frame.version as Version };
      const bytes = old.subarray(i * pageBytes, (i + 1) * pageBytes);
      this.#checksums[done + i] = blockChecksum(algorithm, id, bytes);
    }
    if (done + count < frame.count || keptDigest(this.#checksums) === frame.digest) return;
    const pages = `${frame.first + 1} to ${frame.first + frame.count}`;
    throw this.#otherBase(`pages ${pages} have not all stayed what they are there`);
  }

  async #takeBase(base: SourceReader, length: number): Promise<Uint8Array> {
    const bytes = await base.take(length);
    this.#baseContent.add(bytes);
    return bytes;
  }

  /** What was cut off since still counts for the digest. */
  async #finishBase(base: SourceReader): Promise<void> {
    const expected = this.header.base;
    const content = this.#baseContent;
    if (this.header.since > 0 && content.bytes === 0) throw this.#otherBase('it is empty');
    if (!expected) return;
    for (let left = 1; left > 0; ) left = (await this.#takeBase(base, FRAME_BYTES_MAX)).length;
    if (content.bytes !== expected.bytes || content.end() !== expected.digest) {
      throw this.#otherBase('its digest is another one');
    }
  }

  #damaged(why: string): ChangesError {
    return new ChangesError(this.#deps.path, 'damaged', why);
  }

  #otherBase(why: string): ChangesError {
    const { since, file, createdMs } = this.header;
    const of = `version ${since} of file ${fileName({ file, createdMs })}`;
    return new ChangesError(
      this.#deps.path,
      'base',
      `what they are applied to is not ${of}: ${why}`,
    );
  }
}
