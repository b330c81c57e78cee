/** A round of `npm run transfer`, with the engine that the host names. */
import { reportErrors } from '../../../tools/host-client.ts';
import { type TransferEngine, transferRound } from './transfer-round.ts';

reportErrors();
const engine = new URLSearchParams(location.search).get('engine') as TransferEngine;
if (engine === 'shared') {
  new Worker(new URL('./transfer-worker.ts', import.meta.url), { type: 'module' });
} else {
  await transferRound(engine);
}
