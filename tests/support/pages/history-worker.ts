/** A seat in a worker of either kind; its first message says which. */
import { reportErrors } from '../../../tools/host-client.ts';
import { serveSeat } from './history-seat.ts';

export interface SeatToTake {
  readonly seat: number;
  readonly idbName: string;
}

reportErrors();
addEventListener('message', ({ data }: MessageEvent<SeatToTake>) => take(data));
addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port) port.onmessage = ({ data }: MessageEvent<SeatToTake>) => take(data);
});

function take({ seat, idbName }: SeatToTake): void {
  serveSeat(seat, idbName).catch(reportError);
}
