import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FieldReader, FieldWriter } from '../../../src/vfs/shared/fields.js';
import { REPLY_BYTES } from '../../../src/vfs/shared/layout.js';
import {
  CHANGED_BLOCKS_MAX,
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  isAnswered,
  type Reply,
  type Request,
  requestBytesMax,
} from '../../../src/vfs/shared/protocol.js';

// Goal: both sides of the channel read what the other wrote, whatever it is, in the room planned for it.
// Method: every kind of message with any contents, through memory of exactly the stated size.

const id = fc.integer({ min: 0, max: 0xfffffffe });
const bytes = fc.uint8Array({ maxLength: 65536 });
const offset = fc.integer({ min: 0, max: 2 ** 45 });
const path = fc.string({ unit: 'binary', maxLength: 300 });
const level = fc.integer({ min: 0, max: 4 });

const REQUESTS: { readonly [O in Request['op']]: fc.Arbitrary<Request> } = {
  open: fc.record({ op: fc.constant('open'), id, path, create: fc.boolean() }),
  close: fc.record({ op: fc.constant('close'), id }),
  lock: fc.record({
    op: fc.constant('lock'),
    id,
    level,
    busyTimeoutMs: fc.option(fc.nat(), { nil: undefined }),
    exclusive: fc.boolean(),
    writes: fc.boolean(),
  }),
  unlock: fc.record({ op: fc.constant('unlock'), id, level }),
  read: fc.record({ op: fc.constant('read'), id, block: id, snapshot: fc.boolean() }),
  write: fc.record({ op: fc.constant('write'), id, offset, playedBack: fc.boolean(), bytes }),
  truncate: fc.record({ op: fc.constant('truncate'), id, fileBytes: offset }),
  commit: fc.record({
    op: fc.constant('commit'),
    id,
    durability: fc.constantFrom('strict', 'relaxed', 'deferred'),
    group: path,
    waits: fc.boolean(),
  }),
  discard: fc.record({ op: fc.constant('discard'), id }),
  commitGroup: fc.record({ op: fc.constant('commitGroup'), group: path }),
  delete: fc.record({ op: fc.constant('delete'), path }),
  exists: fc.record({ op: fc.constant('exists'), path }),
  claim: fc.record({ op: fc.constant('claim'), id }),
  listen: fc.record({ op: fc.constant('listen'), event: fc.constantFrom('commit', 'loss') }),
  stats: fc.record({ op: fc.constant('stats') }),
  writer: fc.record({ op: fc.constant('writer'), path }),
};

const shape = fc.record({ fileBytes: offset, blockSize: fc.constantFrom(512, 4096, 65536) });
const REPLIES: { readonly [T in Reply['tag']]: fc.Arbitrary<Reply> } = {
  done: fc.record({ tag: fc.constant('done') }),
  failed: fc.record({ tag: fc.constant('failed'), json: path, lost: fc.boolean() }),
  absent: fc.record({ tag: fc.constant('absent') }),
  stats: fc.record({ tag: fc.constant('stats'), json: path }),
  writer: fc.record({
    tag: fc.constant('writer'),
    state: fc.constantFrom('none', 'waiting', 'held', 'writing', 'wanted'),
  }),
  exists: fc.record({ tag: fc.constant('exists'), exists: fc.boolean() }),
  opened: fc.record({
    tag: fc.constant('opened'),
    shape,
    lease: fc.option(fc.nat(200), { nil: undefined }),
  }),
  locked: fc.record({
    tag: fc.constant('locked'),
    level,
    shape,
    changed: fc.option(fc.array(id, { maxLength: CHANGED_BLOCKS_MAX }), { nil: undefined }),
  }),
  blocks: fc.record({
    tag: fc.constant('blocks'),
    shape,
    blocks: fc.array(
      fc.record({
        block: id,
        bytes: fc.option(fc.uint8Array({ minLength: 512, maxLength: 4096 }), { nil: undefined }),
      }),
      { maxLength: 100 },
    ),
  }),
};

describe.each(Object.entries(REQUESTS))('a request to %s', (_op, arbitrary) => {
  test('comes out as it went in, within the room stated for it', () => {
    fc.assert(
      fc.property(arbitrary, (request) => {
        const memory = new Uint8Array(new SharedArrayBuffer(requestBytesMax(request)));
        const to = new FieldWriter(memory);
        encodeRequest(to, request);
        const from = new FieldReader(memory.subarray(0, to.length));
        expect(decodeRequest(from)).toEqual(request);
        expect(from.length).toBe(to.length);
      }),
    );
  });
});

describe.each(Object.entries(REPLIES))('a reply "%s"', (_tag, arbitrary) => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(arbitrary, (reply) => {
        const memory = new Uint8Array(new SharedArrayBuffer(REPLY_BYTES));
        const to = new FieldWriter(memory);
        encodeReply(to, reply);
        const from = new FieldReader(memory);
        expect(decodeReply(from)).toEqual(reply);
        expect(from.length).toBe(to.length);
      }),
    );
  });
});

test('a number that no message has is none', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(64)).fill(0xff);
  expect(decodeRequest(new FieldReader(memory))).toBeUndefined();
  expect(decodeReply(new FieldReader(memory))).toBeUndefined();
});

test('a message that does not fit is refused, not cut', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(16));
  const bytes = new Uint8Array(64);
  const write: Request = { op: 'write', id: 1, offset: 0, playedBack: false, bytes };
  expect(() => encodeRequest(new FieldWriter(memory), write)).toThrow('fits its place');
});

test('a commit is answered if it is waited for', () => {
  const commit = { op: 'commit', id: 1, durability: 'deferred', group: '' } as const;
  expect(isAnswered({ ...commit, waits: false })).toBe(false);
  expect(isAnswered({ ...commit, waits: true })).toBe(true);
});
