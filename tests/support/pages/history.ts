/**
 * A page of the histories: the control page, or one with seats in its window and in its workers. It starts
 * with the seats that it is asked for.
 */
import { reportErrors } from '../../../tools/host-client.ts';
import { CHANNEL, type Said } from '../history/protocol.ts';
import { seatAt } from '../history/seats.ts';
import { ControlPage } from './history-control.ts';
import { serveSeat } from './history-seat.ts';
import type { SeatToTake } from './history-worker.ts';

reportErrors();
const parameters = new URLSearchParams(location.search);
const idbName = parameters.get('volume') ?? 'histories';
const role = parameters.get('role');

if (role === 'control') Object.assign(globalThis, { control: new ControlPage(idbName, startSeat) });
else await servePage(Number(role));

async function servePage(page: number): Promise<void> {
  const channel = new BroadcastChannel(CHANNEL);
  const workers = new Map<number, Worker>();
  channel.onmessage = ({ data: said }: MessageEvent<Said>) => {
    if (said.to !== 'page' || said.page !== page) return;
    const { seat } = said;
    const worker = workers.get(seat);
    worker?.terminate();
    workers.delete(seat);
    if (said.ask === 'terminate') {
      const answer: Said = { to: 'control', seat, tell: { kind: 'terminated' } };
      channel.postMessage(answer);
      return;
    }
    const started = startSeat(seat);
    if (started) workers.set(seat, started);
  };
  const answer: Said = { to: 'control', seat: -1 - page, tell: { kind: 'ready' } };
  channel.postMessage(answer);
}

/** @returns the worker, if it is one that can be terminated */
function startSeat(seat: number): Worker | undefined {
  const take: SeatToTake = { seat, idbName };
  switch (seatAt(seat).kind) {
    case 'window':
      serveSeat(seat, idbName).catch(reportError);
      return undefined;
    case 'worker': {
      const worker = new Worker(new URL('./history-worker.ts', import.meta.url), {
        type: 'module',
      });
      worker.postMessage(take);
      return worker;
    }
    case 'shared worker':
      new SharedWorker(new URL('./history-worker.ts', import.meta.url), {
        type: 'module',
      }).port.postMessage(take);
      return undefined;
  }
}
