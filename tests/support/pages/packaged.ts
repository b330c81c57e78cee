/** A page of an app that uses the package as it is published: SQLite in a worker, on the shared engine. */
import { report, reportErrors } from '../../../tools/host-client.ts';

reportErrors();
const worker = new Worker(new URL('./packaged-worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => report('rows', data);
worker.onerror = ({ message }) => report('rows', message);
