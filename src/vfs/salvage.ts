/**
 * Writes what was salvaged as an ordinary database: one sqliteTx, spilled like every large one.
 *
 *   I2  The new database is there whole or not at all.
 *   I9  Memory is that of a spilling sqliteTx.
 */
import type { Committer } from '../blockstore/committer.js';
import type { BlockFile } from '../blockstore/file.js';
import { ReadAhead } from '../blockstore/readahead.js';
import { OptionError } from '../errors.js';
import type { Salvage } from '../recovery/salvage.js';
import { Staging, type StagingOptions } from './staging.js';

export interface SalvageTarget {
  readonly file: BlockFile;
  readonly committer: Committer;
  readonly options: StagingOptions & { readonly cacheBytes: number };
}

/** @throws OptionError if the file has content. */
export async function writeSalvaged(salvage: Salvage, target: SalvageTarget): Promise<void> {
  const { file, committer, options } = target;
  if (file.state.map.version > 0) {
    throw new OptionError('to', `"${file.path}" exists; choose a path that does not`);
  }
  const base = file.pin();
  const staging = new Staging(file, base, {
    readAhead: new ReadAhead(options.cacheBytes),
    options,
    playedBack: () => undefined,
    landed: () => committer.drained(),
  });
  try {
    for await (const { block, bytes } of salvage.blocks()) {
      await staging.write(bytes, block * salvage.blockSize);
    }
    staging.truncate(salvage.report.fileBytes);
    await staging.finish();
    await committer.commit([{ file, draft: staging.draft }], 'strict');
  } catch (cause) {
    staging.discard();
    throw cause;
  } finally {
    file.unpin(base);
  }
}
