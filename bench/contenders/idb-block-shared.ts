/** This package's IDBBlockSharedVFS, with its defaults and a storage worker of its own. */
import { observedOnSyncBuild, onSyncBuild } from './ours.ts';

export const idbBlockShared = onSyncBuild('IDBBlockSharedVFS', 'idb-block-shared');

export const idbBlockSharedObserved = observedOnSyncBuild('IDBBlockSharedVFS', 'idb-block-shared');
