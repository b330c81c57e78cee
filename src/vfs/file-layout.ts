/** Where the pages of a database lie. */
import type { BlockFile } from '../blockstore/file.js';
import { segmentNumber } from '../blockstore/live.js';
import type { BlockMap } from '../blockstore/map.js';

/** The newest version of a database, page by page. */
export interface FileLayout {
  /** The database. */
  readonly path: string;
  /** Its newest version. */
  readonly version: number;
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** Bytes of the database. */
  readonly fileBytes: number;
  /** The version that wrote each page, from page 1 on; 0 for one that never was. */
  readonly versions: Float64Array<ArrayBuffer>;
  /** The segment that each page lies in: the same number for pages of one segment. */
  readonly segments: Float64Array<ArrayBuffer>;
}

export async function layoutOf(file: BlockFile): Promise<FileLayout> {
  if (!file.exclusive) await file.refresh();
  const { path, state } = file;
  return { path, ...placesOf(state.map) };
}

function placesOf(map: BlockMap): Omit<FileLayout, 'path'> {
  const versions = new Float64Array(map.blockCount);
  const segments = new Float64Array(map.blockCount);
  for (let block = 0; block < map.blockCount; block++) {
    const version = map.versionOf(block);
    versions[block] = version;
    const part = Math.floor(map.slotOf(block) / map.blocksPerSegment);
    segments[block] = version === 0 ? 0 : segmentNumber(version, part);
  }
  const { version, blockSize: pageBytes, fileBytes } = map;
  return { version, pageBytes, fileBytes, versions, segments };
}
