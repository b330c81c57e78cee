/**
 * A volume in a storage worker, with everything that its clients have open of it.
 *
 *   opening ──▶ open ──last client is gone──▶ closed
 */
import { CommitGroups, commitAndWait } from '../group.js';
import type { OpenFiles } from '../open-files.js';
import type { ResolvedOptions } from '../options.js';
import { normalisePath } from '../paths.js';
import { type Held, heldBy } from '../stats.js';
import { type FileUser, VolumeHost } from '../volume-host.js';
import type { WriterState } from '../writer-role.js';
import type { Storage } from './storage.js';

const NO_HEAP = new Uint8Array(0);

export class ServedVolume implements FileUser {
  readonly host: VolumeHost;
  readonly files: OpenFiles;
  readonly group: CommitGroups;
  /** One for each client. */
  readonly storages: Set<Storage> = new Set();
  /** The page being written, if its client says that it comes from the rollback journal. */
  playedBack: Uint8Array | undefined;

  static async open(options: ResolvedOptions): Promise<ServedVolume> {
    // Clients say with each commit how durable it is to be.
    return new ServedVolume(await VolumeHost.open({ ...options, durability: 'pragma' }));
  }

  private constructor(host: VolumeHost) {
    this.host = host;
    this.group = new CommitGroups(commitAndWait.bind(undefined, host.volume.committer));
    this.files = host.filesFor(this, {
      group: this.group,
      heap: () => NO_HEAP,
      playedBack: () => this.playedBack,
      // Journals are with the clients.
      expireJournal: () => undefined,
    });
    const { emitter } = host;
    emitter.addEventListener('loss', ({ detail }) => {
      for (const storage of this.storages) storage.publishLoss();
      this.#takeBack(detail.paths);
      this.publishRoom();
    });
    emitter.addEventListener('flush', () => this.publishRoom());
    // Who knows what others do to the store from now on.
    emitter.addEventListener('connectionlost', () => this.#takeBack());
    emitter.addEventListener('writerchange', ({ detail: { path, held } }) => {
      if (!held) this.#takeBack([path]);
    });
  }

  /** A client's share of how many more deferred commits, and bytes of them, may wait. */
  get room(): { readonly commits: number; readonly bytes: number } {
    const { maxDirtyCommits, maxDirtyBytes } = this.host.options;
    const { deferredCommits, deferredBytes } = this.host.volume.committer;
    const share = (room: number) => Math.floor(room / this.storages.size);
    return {
      commits: share(maxDirtyCommits - deferredCommits),
      bytes: share(maxDirtyBytes - deferredBytes),
    };
  }

  publishRoom(): void {
    for (const storage of this.storages) storage.publishRoom();
  }

  /** Snapshots that are pinned for leases alone. */
  get idleSnapshots(): number {
    let count = 0;
    for (const storage of this.storages) count += storage.idleSnapshots;
    return count;
  }

  /** The writer role as the clients see it. */
  writer(path: string): WriterState {
    const state = this.host.writer(path);
    const isIdle = [...this.storages].some((storage) => storage.lendsIdly(normalisePath(path)));
    return state === 'writing' && isIdle ? 'held' : state;
  }

  /** What a lease was granted on is no more. */
  #takeBack(paths?: readonly string[]): void {
    for (const storage of this.storages) storage.takeBack(paths);
  }

  /** Journals are with the clients. */
  held(): Held {
    const databases = [...this.storages].flatMap((storage) => [...storage.databases()]);
    return { ...heldBy(databases), journalBytes: 0 };
  }

  dispose(): void {}
}
