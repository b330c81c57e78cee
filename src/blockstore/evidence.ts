/** Turns a refused record into the error that names it. */
import { CorruptionError, FormatVersionError, type RecordLocation } from '../errors.js';
import { FORMAT_VERSION } from '../format/keys.js';
import type { Decoded, Refusal } from '../format/record.js';

export function refusalError(refusal: Refusal, location: RecordLocation): Error {
  if (refusal.tag === 'newer') {
    const versions = { found: refusal.format, supported: FORMAT_VERSION };
    return new FormatVersionError(location.volume, versions);
  }
  return new CorruptionError(location, refusal.what, refusal.checksums);
}

/** The decoded value, or the error for why there is none. */
export function unwrapRecord<T>(decoded: Decoded<T>, location: RecordLocation): T {
  if (decoded.ok) return decoded.value;
  throw refusalError(decoded.refusal, location);
}

/** As `unwrapRecord`, for a record that must exist. */
export function requireRecord<T>(
  stored: unknown,
  decode: (value: unknown) => Decoded<T>,
  location: RecordLocation,
): T {
  if (stored === undefined) throw new CorruptionError(location, 'a missing record');
  return unwrapRecord(decode(stored), location);
}
