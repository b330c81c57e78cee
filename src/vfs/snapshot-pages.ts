/** The pages of a snapshot, as a rollback journal compares what it is given with them. */
import type { View } from './view.js';

/** Of a sqliteTx's snapshot; null stands for zeros, undefined for "not in memory". */
export interface SnapshotPages {
  readonly pageBytes: number;
  /** False once the sqliteTx has ended. */
  isCurrent(): boolean;
  peek(page: number): Uint8Array | null | undefined;
  load(page: number): Promise<Uint8Array | null>;
}

/** Those of a view without a draft, of its own, which is current as long as `isCurrent` finds it so. */
export function pagesOf(view: View, isCurrent: (pages: SnapshotPages) => boolean): SnapshotPages {
  const pages: SnapshotPages = {
    pageBytes: view.blockSize,
    isCurrent: () => isCurrent(pages),
    peek: (page) => view.peek(page - 1),
    load: (page) => view.load(page - 1),
  };
  return pages;
}
