/**
 * The shared buffer of one client and its storage worker.
 *
 *   words │ requests: a ring, client → storage │ reply area, storage → client
 *
 * Words are Int32, changed with Atomics only. TAIL and HEAD count bytes ever written and taken, modulo
 * 2^32; the ring is empty when they are equal. What lies between them belongs to the storage worker,
 * the rest to the client. The reply area belongs to the storage worker from when a request was
 * written until REPLY changes, and to the client until its next request.
 */
import { OptionError } from '../../errors.js';

export const WORD = {
  /** Bytes of requests ever written, modulo 2^32. */
  TAIL: 0,
  /** Bytes of requests ever taken. */
  HEAD: 1,
  /** Replies ever given. */
  REPLY: 2,
  /**
   * When the storage worker's event loop turned or it took a request, several times a second: ms since
   * 1970, modulo 2^32.
   */
  HEARTBEAT: 3,
  /** One of STATE. */
  STATE: 4,
  /** 1 while the storage worker can only be woken by a message. */
  DOORBELL: 5,
  /** Times that acknowledged commits of the volume were lost, modulo 2^32. */
  LOSSES: 6,
  /** How many more deferred commits, and bytes of them, may wait: as of the last one acted on. */
  ROOM_COMMITS: 7,
  ROOM_BYTES: 8,
  /** One of ATTACHING. */
  ATTACHING: 9,
  /** One word for each open file, see LEASE. */
  LEASES: 16,
} as const;

/**
 * How far a client has come that wants to be taken in. Firefox (153) may lose what is sent through a port
 * soon after that came to a worker: the client asks until it is heard, the storage worker answers until
 * that is heard.
 */
export const ATTACHING = { ASKS: 0, HEARD: 1, OVER: 2 } as const;
export const SAY_AGAIN_MS = 250;

export const STATE = { OPEN: 0, CLOSED: 1, FAILED: 2 } as const;

/**
 * A file's lease. The storage worker grants it while it holds the file's writer lock, SHARED and
 * RESERVED for this one connection; under it the client locks and unlocks by itself. To take it back,
 * the storage worker clears GRANTED and looks at what is left: what the client holds then goes
 * on, and its `unlock` is sent as a request.
 */
export const LEASE = { GRANTED: 1, SHARED: 2, RESERVED: 4 } as const;
export const LEASES_MAX = 112;

const WORD_COUNT = WORD.LEASES + LEASES_MAX;
const HEADER_BYTES = 4 * WORD_COUNT;
const KIB = 1024;
/** Holds a page of 64 KiB, its record, and what is left unused at the ring's end. */
const RING_BYTES_MIN = 256 * KIB;
/** More than ever waits there; far below what the words can count. */
const RING_BYTES_MAX = 256 * KIB * KIB;
export const RING_BYTES_DEFAULT: number = 4 * KIB * KIB;
export const REPLY_BYTES: number = KIB * KIB;

export interface SharedParts {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly ring: Uint8Array<SharedArrayBuffer>;
  readonly reply: Uint8Array<SharedArrayBuffer>;
}

/** @throws OptionError */
export function createShared(ringBytes: number): SharedParts {
  const isInRange = ringBytes >= RING_BYTES_MIN && ringBytes <= RING_BYTES_MAX;
  if (!Number.isInteger(Math.log2(ringBytes)) || !isInRange) {
    const range = `${RING_BYTES_MIN} to ${RING_BYTES_MAX}`;
    throw new OptionError('channelBytes', `a power of two from ${range}`);
  }
  return partsOf(new SharedArrayBuffer(HEADER_BYTES + ringBytes + REPLY_BYTES));
}

export function partsOf(buffer: SharedArrayBuffer): SharedParts {
  const ringBytes = buffer.byteLength - HEADER_BYTES - REPLY_BYTES;
  return {
    buffer,
    words: new Int32Array(buffer, 0, WORD_COUNT),
    ring: new Uint8Array(buffer, HEADER_BYTES, ringBytes),
    reply: new Uint8Array(buffer, HEADER_BYTES + ringBytes, REPLY_BYTES),
  };
}
