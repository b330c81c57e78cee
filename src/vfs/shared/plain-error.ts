/** Errors on their way from one thread to another: a message keeps neither their class nor their code. */
import * as errors from '../../errors.js';

export interface PlainError {
  readonly code: string;
  readonly message: string;
  /** What else the error bears, e.g. `sqliteCode`, `location`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The error's cause, if it is an error itself. */
  readonly cause: PlainCause | undefined;
}

/** A PlainError, or no more than an error of another library bears. */
type PlainCause = PlainError | { readonly name: string; readonly message: string };

const CLASSES: Readonly<Record<string, { readonly prototype: errors.BlockStoreError }>> = {
  CORRUPTION: errors.CorruptionError,
  QUOTA: errors.QuotaError,
  CONNECTION_LOST: errors.ConnectionLostError,
  COMMIT_UNKNOWN: errors.CommitUnknownError,
  BUSY: errors.BusyError,
  BUSY_SNAPSHOT: errors.BusyError,
  UNSUPPORTED: errors.UnsupportedError,
  FORMAT_VERSION: errors.FormatVersionError,
  NOT_A_VOLUME: errors.NotAVolumeError,
  NOT_A_DATABASE: errors.NotADatabaseError,
  CHANGES_BASE: errors.ChangesError,
  CHANGES_DAMAGED: errors.ChangesError,
  CHANGES_VERSION: errors.ChangesError,
  PEER_STORE: errors.PeerStoreError,
  OPTION: errors.OptionError,
  STORAGE: errors.StorageError,
  STORAGE_WORKER: errors.StorageWorkerError,
  MEMORY_LIMIT: errors.MemoryLimitError,
  INVARIANT: errors.InvariantError,
};

/** @param cause any error; one that is not ours becomes a StorageError of `volume` */
export function plainError(cause: unknown, volume: string): PlainError {
  const error = errors.fromDomException(cause, volume, 'the storage worker');
  const { code, message } = error;
  const fields = Object.fromEntries(
    Object.entries(error).filter(([name]) => name !== 'cause' && name !== 'code'),
  );
  return { code, message, fields, cause: plainCause(error.cause) };
}

function plainCause(cause: unknown): PlainCause | undefined {
  if (cause instanceof errors.BlockStoreError) return plainError(cause, '');
  if (!(cause instanceof Error || cause instanceof DOMException)) return undefined;
  return { name: cause.name, message: cause.message };
}

/** An error of the class it had. */
export function revivedError({ code, message, fields, cause }: PlainError): errors.BlockStoreError {
  const { prototype } = CLASSES[code] ?? errors.BlockStoreError;
  // The classes' constructors make the message; this one is made already.
  const options = cause && { cause: revivedCause(cause) };
  const error = new Error(message, options) as errors.BlockStoreError;
  Object.setPrototypeOf(error, prototype);
  return Object.assign(error, fields, { code });
}

function revivedCause(cause: PlainCause): Error {
  if ('code' in cause) return revivedError(cause);
  return Object.assign(new Error(cause.message), { name: cause.name });
}

/** Marks an error among other values. */
interface Marked {
  readonly '\0error': PlainError;
}

/** The value with every error in it made plain, at whatever depth. */
export function withPlainErrors(value: unknown, volume: string): unknown {
  return mapped(value, (part) =>
    part instanceof Error ? { '\0error': plainError(part, volume) } : undefined,
  );
}

/** The reverse. */
export function withErrors(value: unknown): unknown {
  return mapped(value, (part) => {
    const plain = (part as Partial<Marked>)['\0error'];
    return plain && revivedError(plain);
  });
}

/** A copy of arrays and records, in which `change` replaces what it has an answer for. */
function mapped(value: unknown, change: (part: object) => object | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const changed = change(value);
  if (changed) return changed;
  if (Array.isArray(value)) return value.map((part) => mapped(part, change));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, mapped(part, change)]),
  );
}
