/** Where an engine lives that must not run in a window. */
import { reportErrors } from '../../../tools/host-client.ts';
import { transferRound } from './transfer-round.ts';

reportErrors();
await transferRound('shared');
