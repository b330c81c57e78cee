import { BlockVFS, type LocalParts } from './block-vfs.js';
import { callByAddress } from './dispatch.js';
import type { CommitFiles } from './group.js';
import { methodsOf } from './methods.js';
import { syncMethods } from './methods-sync.js';
import { MirrorCore } from './mirror-core.js';
import type { MirrorFile } from './mirror-file.js';
import { recogniseSynchronous, type SqliteModule } from './module.js';
import { type MirrorVFSOptions, resolveMemoryBytesMax, resolveOptions } from './options.js';
import { normalisePath } from './paths.js';
import { VolumeHost } from './volume-host.js';
import { Waits } from './waits.js';

/**
 * SQLite databases in IndexedDB, held in memory as a whole while they are open, on wa-sqlite's
 * synchronous builds and in any context.
 */
export class IDBBlockMirrorVFS extends BlockVFS {
  readonly #core: MirrorCore;

  /**
   * Opens the volume, creating it if it does not exist, and makes a VFS for `module`.
   *
   * @param name the VFS's name in SQLite; also the IndexedDB database's, unless `idbName` is given.
   * @param module what the factory of wa-sqlite's synchronous build resolved to.
   * @throws OptionError, UnsupportedError, FormatVersionError, NotAVolumeError, CorruptionError,
   *   ConnectionLostError
   */
  static async create(
    name: string,
    module: object,
    options: MirrorVFSOptions = {},
  ): Promise<IDBBlockMirrorVFS> {
    const build = recogniseSynchronous(module, 'IDBBlockMirrorVFS');
    const memoryBytesMax = resolveMemoryBytesMax(options);
    const resolved = {
      ...resolveOptions(name, options),
      // What is resident is not evicted, and a sqliteTx stays in memory until it commits.
      cacheBytes: Number.POSITIVE_INFINITY,
      spillBytes: Number.POSITIVE_INFINITY,
    };
    const host = await VolumeHost.open(resolved, { bytesMax: memoryBytesMax });
    return new IDBBlockMirrorVFS(
      name,
      { build, module: module as SqliteModule, host },
      memoryBytesMax,
    );
  }

  private constructor(name: string, { build, module, host }: LocalParts, memoryBytesMax: number) {
    const { emitter, options } = host;
    super(name, { build, durability: options.durability, emitter, volume: host });
    const commitFiles: CommitFiles = (files) => {
      this.#core.commitNow(files as readonly MirrorFile[]);
      return undefined;
    };
    const env = { commitFiles, heap: () => module.HEAPU8 };
    this.#core = new MirrorCore(host, env, { waits: new Waits(module), memoryBytesMax });
    if (build !== 'sync') {
      Object.assign(this, methodsOf(this.#core, module, { build, vfs: this }));
      return;
    }
    const methods = syncMethods(this.#core, module);
    Object.assign(this, methods);
    callByAddress(module, this, methods);
  }

  protected override get engineName(): 'IDBBlockMirrorVFS' {
    return 'IDBBlockMirrorVFS';
  }

  /**
   * Loads a database ahead of opening it; one that is open is brought up to date. Needed with npm's
   * wa-sqlite 1.0.0, where opening cannot wait.
   *
   * @param options `create`: an absent database is made. Default false.
   * @throws OptionError if there is no such database; MemoryLimitError if it would not fit.
   */
  async load(path: string, options: { readonly create?: boolean } = {}): Promise<void> {
    await this.#core.load(normalisePath(path), options.create ?? false);
  }
}
