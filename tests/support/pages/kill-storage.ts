/**
 * The storage worker of a kill test: the library's own, in which the points of IndexedDB are passed. The page
 * sends what it counts with before any client can attach.
 */
import { serveStorage } from '../../../src/vfs/shared/serve.js';
import { reportErrors } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import { Points, type PointsShare } from './kill-points.ts';

reportErrors();
addEventListener(
  'message',
  ({ data: { trial, words } }: MessageEvent<PointsShare>) => {
    const points = new Points(trial, words);
    new IDBTrace(
      (point) => points.passed(point),
      () => points.era,
    );
  },
  { once: true },
);
serveStorage();
