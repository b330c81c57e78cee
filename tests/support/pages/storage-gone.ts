const PROBE_NAME = 'probe';

/**
 * Whether this context has lost IndexedDB for good. So it is in WebKit up to 2.50 and Safari of that time: a
 * page and its workers have one connection to the process behind, and get no other.
 */
export function isStorageGone(): Promise<boolean> {
  return new Promise((resolve) => {
    const request = indexedDB.open(PROBE_NAME);
    request.onerror = () => resolve(true);
    request.onsuccess = () => {
      request.result.close();
      resolve(false);
    };
  });
}
