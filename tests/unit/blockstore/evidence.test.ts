import { expect, test } from 'vitest';
import { refusalError, requireRecord, unwrapRecord } from '../../../src/blockstore/evidence.js';
import { CorruptionError, FormatVersionError, type RecordLocation } from '../../../src/errors.js';
import { type Decoded, damaged } from '../../../src/format/record.js';

const place: RecordLocation = { volume: 'v', store: 'commits', key: [1, 2], version: 2 };

function thrown(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('a damaged record is named, with both checksums if there are two', () => {
  const refusal = { tag: 'damaged', what: 'it', checksums: { expected: 1, actual: 0 } } as const;
  const error = refusalError(refusal, place);
  expect(error).toBeInstanceOf(CorruptionError);
  expect(error).toMatchObject({ location: place, expectedChecksum: 1, actualChecksum: 0 });
  const plain = thrown(() => unwrapRecord(damaged('it'), place));
  expect(plain).toBeInstanceOf(CorruptionError);
  expect(plain).toMatchObject({ location: place });
  expect(plain).toMatchObject({ expectedChecksum: undefined, actualChecksum: undefined });
});

test('a newer record is no damage', () => {
  const error = refusalError({ tag: 'newer', format: 7 }, place);
  expect(error).toBeInstanceOf(FormatVersionError);
  expect(error.message).toContain('7');
});

test('a record that must exist is decoded, or said to be missing', () => {
  const decode = (value: unknown): Decoded<unknown> => ({ ok: true, value: [value] });
  expect(requireRecord(null, decode, place)).toEqual([null]);
  const missing = thrown(() => requireRecord(undefined, decode, place));
  expect(missing).toBeInstanceOf(CorruptionError);
  const refused = thrown(() => requireRecord(1, () => damaged('it'), place));
  expect(refused).toBeInstanceOf(CorruptionError);
});
