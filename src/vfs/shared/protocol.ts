/**
 * What a client thread and its storage worker say to each other: every request, every reply, their
 * codecs and limits. Both sides import this file; no other knows how a message is laid out.
 *
 * A request goes into the ring as one record, a reply into the reply area (layout.ts). Numbers are
 * little-endian; text and bytes carry their length before them. `answered` requests are waited for,
 * the others are acted on in order, and what goes wrong with them is told by the file's next answer.
 */
import type { Durability } from '../../types.js';
import type { VFSEventType } from '../events.js';
import type { WriterState } from '../writer-role.js';
import { type FieldReader, type FieldWriter, textBytesMax } from './fields.js';

export type Request =
  /** `id` is SQLite's; it names the file in every later request. */
  | { readonly op: 'open'; readonly id: number; readonly path: string; readonly create: boolean }
  | { readonly op: 'close'; readonly id: number }
  | {
      readonly op: 'lock';
      readonly id: number;
      readonly level: number;
      /** Milliseconds; undefined if the connection has not set it. */
      readonly busyTimeoutMs: number | undefined;
      readonly exclusive: boolean;
      /** It begins a sqliteTx that writes: RESERVED is next. */
      readonly writes: boolean;
    }
  | { readonly op: 'unlock'; readonly id: number; readonly level: number }
  /** Blocks from `block` on. `snapshot`: as they were before this sqliteTx wrote. */
  | {
      readonly op: 'read';
      readonly id: number;
      readonly block: number;
      readonly snapshot: boolean;
    }
  | {
      readonly op: 'write';
      readonly id: number;
      readonly offset: number;
      /** SQLite has just read it from the rollback journal: it is as before the sqliteTx. */
      readonly playedBack: boolean;
      readonly bytes: Uint8Array;
    }
  | { readonly op: 'truncate'; readonly id: number; readonly fileBytes: number }
  /**
   * `group`: the super-journal whose deletion commits, or '' to commit now. Without `waits` the commit
   * is in force at once, and a failure is a loss.
   */
  | {
      readonly op: 'commit';
      readonly id: number;
      readonly durability: Durability;
      readonly group: string;
      readonly waits: boolean;
    }
  | { readonly op: 'discard'; readonly id: number }
  | { readonly op: 'commitGroup'; readonly group: string }
  | { readonly op: 'delete'; readonly path: string }
  | { readonly op: 'exists'; readonly path: string }
  | { readonly op: 'claim'; readonly id: number }
  /** Events of this type are wanted from now on. */
  | { readonly op: 'listen'; readonly event: VFSEventType }
  | { readonly op: 'stats' }
  | { readonly op: 'writer'; readonly path: string };

/** A block in a reply; without bytes it is all zeros. */
export interface BlockBytes {
  readonly block: number;
  readonly bytes: Uint8Array | undefined;
}

/** A file as the client's snapshot shows it. */
export interface FileShape {
  readonly fileBytes: number;
  readonly blockSize: number;
}

export type Reply =
  | { readonly tag: 'done' }
  /** `json`: a PlainError. `lost`: versions that the client may have copies of were lost. */
  | { readonly tag: 'failed'; readonly json: string; readonly lost: boolean }
  | { readonly tag: 'exists'; readonly exists: boolean }
  /** There is no such file, and it was not to be made. */
  | { readonly tag: 'absent' }
  /** `lease`: the number of the file's lease word, undefined if all are taken. */
  | { readonly tag: 'opened'; readonly shape: FileShape; readonly lease: number | undefined }
  /**
   * The lock is held. `changed`: blocks that are others than at the client's last lock, undefined
   * if any may be. `level`: what is held now; more than was asked for if RESERVED is next.
   */
  | {
      readonly tag: 'locked';
      readonly level: number;
      readonly shape: FileShape;
      readonly changed: readonly number[] | undefined;
    }
  | { readonly tag: 'writer'; readonly state: WriterState }
  /** JSON of VFSStats, its errors made plain. */
  | { readonly tag: 'stats'; readonly json: string }
  | { readonly tag: 'blocks'; readonly shape: FileShape; readonly blocks: readonly BlockBytes[] };

/** At most so many changed blocks are listed; if more changed, the client forgets all. */
export const CHANGED_BLOCKS_MAX = 8192;

const DURABILITIES: readonly Durability[] = ['strict', 'relaxed', 'deferred'];
const WRITER_STATES: readonly WriterState[] = ['none', 'waiting', 'held', 'writing', 'wanted'];
const NO_BYTES = new Uint8Array(0);
/** For a number that is not there. */
const NONE = 0xffffffff;
/** For a time that is not set. */
const UNSET = -1;

export type Op = Request['op'];
export type RequestOf<O extends Op> = Extract<Request, { readonly op: O }>;
export type ReplyOf<T extends Reply['tag']> = Extract<Reply, { readonly tag: T }>;

/** How the fields of one kind of message are laid out, behind the kind's number. */
interface Codec<T> {
  encode(to: FieldWriter, message: T): void;
  decode(from: FieldReader): T;
}

/** A request that says no more than whose it is. */
function onFile<O>(op: O): Codec<{ readonly op: O; readonly id: number }> {
  return {
    encode: (to, { id }) => to.u32(id),
    decode: (from) => ({ op, id: from.u32() }),
  };
}

function onPath<O>(op: O): Codec<{ readonly op: O; readonly path: string }> {
  return {
    encode: (to, { path }) => to.text(path),
    decode: (from) => ({ op, path: from.text() }),
  };
}

/** In this order they have their numbers, from 1; 0 marks unused bytes at the ring's end. */
const REQUESTS: { readonly [O in Op]: Codec<RequestOf<O>> } = {
  open: {
    encode(to, { id, path, create }) {
      to.u32(id);
      to.text(path);
      to.flag(create);
    },
    decode: (from) => ({ op: 'open', id: from.u32(), path: from.text(), create: from.flag() }),
  },
  close: onFile('close'),
  lock: {
    encode(to, { id, level, busyTimeoutMs, exclusive, writes }) {
      to.u32(id);
      to.u32(level);
      to.f64(busyTimeoutMs ?? UNSET);
      to.flag(exclusive);
      to.flag(writes);
    },
    decode(from) {
      const [id, level, timeoutMs] = [from.u32(), from.u32(), from.f64()];
      const busyTimeoutMs = timeoutMs === UNSET ? undefined : timeoutMs;
      const [exclusive, writes] = [from.flag(), from.flag()];
      return { op: 'lock', id, level, busyTimeoutMs, exclusive, writes };
    },
  },
  unlock: {
    encode(to, { id, level }) {
      to.u32(id);
      to.u32(level);
    },
    decode: (from) => ({ op: 'unlock', id: from.u32(), level: from.u32() }),
  },
  read: {
    encode(to, { id, block, snapshot }) {
      to.u32(id);
      to.u32(block);
      to.flag(snapshot);
    },
    decode: (from) => ({ op: 'read', id: from.u32(), block: from.u32(), snapshot: from.flag() }),
  },
  write: {
    encode(to, { id, offset, playedBack, bytes }) {
      to.u32(id);
      to.f64(offset);
      to.flag(playedBack);
      to.bytes(bytes);
    },
    decode: (from) => ({
      op: 'write',
      id: from.u32(),
      offset: from.f64(),
      playedBack: from.flag(),
      bytes: from.bytes(),
    }),
  },
  truncate: {
    encode(to, { id, fileBytes }) {
      to.u32(id);
      to.f64(fileBytes);
    },
    decode: (from) => ({ op: 'truncate', id: from.u32(), fileBytes: from.f64() }),
  },
  commit: {
    encode(to, { id, durability, group, waits }) {
      to.u32(id);
      to.u32(DURABILITIES.indexOf(durability));
      to.text(group);
      to.flag(waits);
    },
    decode: (from) => ({
      op: 'commit',
      id: from.u32(),
      durability: DURABILITIES[from.u32()] ?? 'strict',
      group: from.text(),
      waits: from.flag(),
    }),
  },
  discard: onFile('discard'),
  commitGroup: {
    encode: (to, { group }) => to.text(group),
    decode: (from) => ({ op: 'commitGroup', group: from.text() }),
  },
  delete: onPath('delete'),
  exists: onPath('exists'),
  claim: onFile('claim'),
  listen: {
    encode: (to, { event }) => to.text(event),
    decode: (from) => ({ op: 'listen', event: from.text() as VFSEventType }),
  },
  stats: { encode: () => undefined, decode: () => ({ op: 'stats' }) },
  writer: onPath('writer'),
};

const REPLIES: { readonly [T in Reply['tag']]: Codec<ReplyOf<T>> } = {
  done: { encode: () => undefined, decode: () => ({ tag: 'done' }) },
  failed: {
    encode(to, { json, lost }) {
      to.text(json);
      to.flag(lost);
    },
    decode: (from) => ({ tag: 'failed', json: from.text(), lost: from.flag() }),
  },
  exists: {
    encode: (to, { exists }) => to.flag(exists),
    decode: (from) => ({ tag: 'exists', exists: from.flag() }),
  },
  absent: { encode: () => undefined, decode: () => ({ tag: 'absent' }) },
  opened: {
    encode(to, { shape, lease }) {
      shapeInto(to, shape);
      to.u32(lease ?? NONE);
    },
    decode(from) {
      const shape = shapeFrom(from);
      const lease = from.u32();
      return { tag: 'opened', shape, lease: lease === NONE ? undefined : lease };
    },
  },
  locked: {
    encode(to, { level, shape, changed }) {
      to.u32(level);
      shapeInto(to, shape);
      to.flag(changed !== undefined);
      to.u32(changed?.length ?? 0);
      for (const block of changed ?? []) to.u32(block);
    },
    decode(from) {
      const level = from.u32();
      const shape = shapeFrom(from);
      const isListed = from.flag();
      const changed = Array.from({ length: from.u32() }, () => from.u32());
      return { tag: 'locked', level, shape, changed: isListed ? changed : undefined };
    },
  },
  writer: {
    encode: (to, { state }) => to.u32(WRITER_STATES.indexOf(state)),
    decode: (from) => ({ tag: 'writer', state: WRITER_STATES[from.u32()] ?? 'none' }),
  },
  stats: {
    encode: (to, { json }) => to.text(json),
    decode: (from) => ({ tag: 'stats', json: from.text() }),
  },
  blocks: {
    encode(to, { shape, blocks }) {
      shapeInto(to, shape);
      to.u32(blocks.length);
      for (const { block, bytes } of blocks) {
        to.u32(block);
        to.bytes(bytes ?? NO_BYTES);
      }
    },
    decode(from) {
      const shape = shapeFrom(from);
      const blocks = Array.from({ length: from.u32() }, () => {
        const block = from.u32();
        const bytes = from.bytes();
        return { block, bytes: bytes.length > 0 ? bytes : undefined };
      });
      return { tag: 'blocks', shape, blocks };
    },
  },
};

const OPS = Object.keys(REQUESTS) as Op[];
const TAGS = Object.keys(REPLIES) as Reply['tag'][];
const OP_NUMBERS: ReadonlyMap<string, number> = new Map(OPS.map((op, i) => [op, i + 1]));
const TAG_NUMBERS: ReadonlyMap<string, number> = new Map(TAGS.map((tag, i) => [tag, i + 1]));

/** What is not answered is acted on in its turn. */
export function isAnswered(request: Request): boolean {
  switch (request.op) {
    case 'unlock':
    case 'write':
    case 'truncate':
    case 'discard':
    case 'listen':
      return false;
    case 'commit':
      return request.waits;
    default:
      return true;
  }
}

/** It changes what its sqliteTx will commit. */
export function isWrite({ op }: Request): boolean {
  return op === 'write' || op === 'truncate';
}

/** Bytes of all fields of a request that have one length. */
const FIXED_BYTES_MAX = 48;
/** Bytes that a block takes in a reply, besides its own. */
export const BLOCK_OVERHEAD_BYTES = 16;

/** Bytes that `request` takes at most. */
export function requestBytesMax(request: Request): number {
  if ('bytes' in request) return FIXED_BYTES_MAX + request.bytes.byteLength;
  if ('path' in request) return FIXED_BYTES_MAX + textBytesMax(request.path);
  if ('event' in request) return FIXED_BYTES_MAX + textBytesMax(request.event);
  return FIXED_BYTES_MAX + ('group' in request ? textBytesMax(request.group) : 0);
}

export function encodeRequest(to: FieldWriter, request: Request): void {
  to.u32(OP_NUMBERS.get(request.op) ?? 0);
  (REQUESTS[request.op] as Codec<Request>).encode(to, request);
}

/** Undefined for a number that no request has. Bytes of the result are views of the record. */
export function decodeRequest(from: FieldReader): Request | undefined {
  const op = OPS[from.u32() - 1];
  return op && REQUESTS[op].decode(from);
}

export function encodeReply(to: FieldWriter, reply: Reply): void {
  to.u32(TAG_NUMBERS.get(reply.tag) ?? 0);
  (REPLIES[reply.tag] as Codec<Reply>).encode(to, reply);
}

/** Bytes of the result are views of the reply area: copy them before the next request. */
export function decodeReply(from: FieldReader): Reply | undefined {
  const tag = TAGS[from.u32() - 1];
  return tag && REPLIES[tag].decode(from);
}

function shapeInto(to: FieldWriter, { fileBytes, blockSize }: FileShape): void {
  to.f64(fileBytes);
  to.u32(blockSize);
}

function shapeFrom(from: FieldReader): FileShape {
  return { fileBytes: from.f64(), blockSize: from.u32() };
}
