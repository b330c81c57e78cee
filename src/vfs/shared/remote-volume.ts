/** What may be asked of a volume, asked of its storage worker. */
import type { SalvageReport } from '../../recovery/salvage.js';
import type { VerifyReport } from '../../recovery/verify.js';
import { addCounts } from '../error-counts.js';
import type { FileLayout } from '../file-layout.js';
import type { VFSStats } from '../stats.js';
import type { TransferServices } from '../transfer/volume-transfer.js';
import type { SalvageOptions, VerifyOptions, VolumeServices } from '../volume-host.js';
import type { WriterState } from '../writer-role.js';
import type { ClientCore } from './client-core.js';
import type { RemoteStorage } from './remote.js';
import { RemoteTransfer } from './remote-transfer.js';

export interface RemoteVolumeDeps {
  readonly core: ClientCore;
  readonly remote: RemoteStorage;
  /** Its name. */
  readonly volume: string;
  /** Ends what `create` began. */
  readonly release: () => void;
}

export class RemoteVolume implements VolumeServices {
  readonly #deps: RemoteVolumeDeps;

  readonly transfer: TransferServices;

  constructor(deps: RemoteVolumeDeps) {
    this.#deps = deps;
    this.transfer = new RemoteTransfer(deps.remote, deps.volume);
  }

  durable(): Promise<void> {
    return this.#deps.remote.call('durable');
  }

  listFiles(): Promise<string[]> {
    return this.#deps.remote.call('listFiles');
  }

  deleteFile(path: string): Promise<boolean> {
    return this.#deps.remote.call('deleteFile', path);
  }

  verify(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#deps.remote.call('verify', path, options);
  }

  salvage(path: string, options: SalvageOptions = {}): Promise<SalvageReport> {
    return this.#deps.remote.call('salvage', path, options);
  }

  layout(path: string): Promise<FileLayout> {
    return this.#deps.remote.call('layout', path);
  }

  /** Blocks for it. */
  writer(path: string): WriterState {
    return this.#deps.core.writer(path);
  }

  /** Blocks for them. What lies in both threads is counted twice, for it takes twice the memory. */
  stats(): VFSStats {
    const { core } = this.#deps;
    const stored = core.storedStats();
    const own = core.ownStats();
    return {
      ...stored,
      cacheBytes: stored.cacheBytes + own.cacheBytes,
      journalBytes: stored.journalBytes + own.journalBytes,
      cacheHits: stored.cacheHits + own.cacheHits,
      errors: addCounts(stored.errors, own.errors),
      errorsPerMinute: stored.errorsPerMinute + own.errorsPerMinute,
    };
  }

  async close(): Promise<void> {
    const { remote, release } = this.#deps;
    try {
      await remote.call('durable');
    } finally {
      await remote.close();
      release();
    }
  }
}
