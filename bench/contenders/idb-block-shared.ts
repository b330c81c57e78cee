/** This package's IDBBlockSharedVFS, with its defaults and a storage worker of its own. */
import { onSyncBuild } from './ours.ts';

export const idbBlockShared = onSyncBuild('IDBBlockSharedVFS', 'idb-block-shared');
