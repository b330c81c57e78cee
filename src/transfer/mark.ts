/** What a copy of a database is a copy of. Plain data: keep it beside the copy, as JSON if you like. */
export interface BackupMark {
  /** Tells the database from others, and from one that took its place. */
  readonly file: string;
  /** Version that was copied. */
  readonly version: number;
  /** Bytes of the copy. */
  readonly bytes: number;
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** Of all bytes of the copy (docs/BACKUP.md). */
  readonly digest: number;
}

/** How far a transfer has come. */
export interface TransferProgress {
  /** Bytes of the database that were handed over so far. */
  readonly doneBytes: number;
  /** Undefined if nobody knows before the end. */
  readonly totalBytes: number | undefined;
}

/** As a BackupMark and the header of changes name a file. */
export function fileName(file: { readonly file: number; readonly createdMs: number }): string {
  return `${file.file}-${file.createdMs.toString(36)}`;
}
