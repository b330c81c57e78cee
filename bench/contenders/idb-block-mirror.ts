/** This package's IDBBlockMirrorVFS, with its defaults. */
import { observedOnSyncBuild, onSyncBuild } from './ours.ts';

export const idbBlockMirror = onSyncBuild('IDBBlockMirrorVFS', 'idb-block-mirror');

export const idbBlockMirrorObserved = observedOnSyncBuild('IDBBlockMirrorVFS', 'idb-block-mirror');
