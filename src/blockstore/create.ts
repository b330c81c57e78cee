/** Gives a file its record, and so its id, before anything of it is written. */
import { BusyError, CorruptionError } from '../errors.js';
import { decodeVolume, encodeFile, encodeVolume, type FileRecord } from '../format/files.js';
import { everythingFrom, VOLUME_KEY } from '../format/keys.js';
import type { ChecksumAlgorithm, FileId } from '../types.js';
import type { Connection } from './connection.js';
import { unwrapRecord } from './evidence.js';
import { result } from './requests.js';

export interface Creation {
  readonly connection: Connection;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly path: string;
  readonly algorithm: ChecksumAlgorithm;
}

/**
 * One idbTx of its own.
 * @throws BusyError if another context created the file meanwhile; CorruptionError if ids in use would
 *   be given again.
 */
export async function createRecord(creation: Creation): Promise<FileRecord> {
  const { connection, now, path, algorithm } = creation;
  const place = { volume: connection.name, store: 'files', key: VOLUME_KEY } as const;
  const requests = await connection.begin(['files', 'segments'], 'default');
  const done = requests.completion();
  done.catch(() => undefined);
  const [stored, other] = await requests.inTime(
    Promise.all([result(requests.get('files', VOLUME_KEY)), result(requests.get('files', path))]),
  );
  if (other !== undefined) {
    requests.tx.abort();
    throw new BusyError(path, 'another context created it', { snapshot: true });
  }
  const volume = unwrapRecord(decodeVolume(stored), place);
  // An id is given once: were it in use, the new file's first write would delete another's blocks.
  const inUse = requests.getKey('segments', everythingFrom(volume.nextFileId));
  const used = await requests.inTime(result(inUse));
  if (used !== undefined) throw new CorruptionError(place, 'a stale volume record');
  const record: FileRecord = {
    path,
    file: volume.nextFileId as FileId,
    algorithm,
    born: false,
    createdMs: now(),
  };
  const next = { ...volume, nextFileId: volume.nextFileId + 1 };
  requests.put('files', VOLUME_KEY, encodeVolume(next));
  requests.add('files', path, encodeFile(record));
  requests.tx.commit();
  await done;
  return record;
}
