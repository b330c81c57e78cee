/**
 * The storage worker of a kill test: the library's own, in which the points of IndexedDB are passed. The page
 * sends what it counts with before any client can attach.
 */
import { serveStorage } from '../../../src/vfs/shared/serve.js';
import { reportErrors } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import { Points, type PointsShare } from './kill-points.ts';
import { isStorageGone } from './storage-gone.ts';

reportErrors();
addEventListener(
  'message',
  ({ data: { trial, words, port } }: MessageEvent<PointsShare & { port: MessagePort }>) => {
    port.onmessage = async () => port.postMessage(await isStorageGone());
    const points = new Points(trial, words);
    new IDBTrace(
      (point) => points.passed(point),
      () => points.era,
    );
  },
  { once: true },
);
serveStorage();
