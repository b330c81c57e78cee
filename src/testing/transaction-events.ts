/** The `on…` properties of an idbTx. */
import { SimulatedEventTarget } from './events.js';

type Handler = ((this: IDBTransaction, event: Event) => unknown) | null;

export abstract class TransactionEvents extends SimulatedEventTarget {
  abstract readonly db: IDBDatabase;

  protected override get above(): EventTarget | null {
    return this.db;
  }

  get onabort(): Handler {
    return this.handler('abort');
  }
  set onabort(callback: Handler) {
    this.handle('abort', callback);
  }
  get oncomplete(): Handler {
    return this.handler('complete');
  }
  set oncomplete(callback: Handler) {
    this.handle('complete', callback);
  }
  get onerror(): Handler {
    return this.handler('error');
  }
  set onerror(callback: Handler) {
    this.handle('error', callback);
  }
}
