/** This package's IDBBlockMirrorVFS, with its defaults. */
import { onSyncBuild } from './ours.ts';

export const idbBlockMirror = onSyncBuild('IDBBlockMirrorVFS', 'idb-block-mirror');
