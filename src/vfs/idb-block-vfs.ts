/** `IDBBlockVFS`: SQLite databases in IndexedDB, read on demand, on any asynchronous wa-sqlite build. */
import { UnsupportedError } from '../errors.js';
import { BlockVFS, type LocalParts } from './block-vfs.js';
import { Core } from './core.js';
import { commitAndWait } from './group.js';
import { methodsOf } from './methods.js';
import { isSynchronous, recogniseBuild, type SqliteModule } from './module.js';
import { resolveOptions, type VFSOptions } from './options.js';
import { VolumeHost } from './volume-host.js';

/** SQLite databases in IndexedDB, read on demand, on any asynchronous wa-sqlite build and in any context. */
export class IDBBlockVFS extends BlockVFS {
  /**
   * Opens the volume, creating it if it does not exist, and makes a VFS for `module`.
   *
   * @param name the VFS's name in SQLite; also the IndexedDB database's, unless `idbName` is given.
   * @param module what the wa-sqlite factory resolved to.
   * @throws OptionError, UnsupportedError, FormatVersionError, NotAVolumeError, CorruptionError,
   *   ConnectionLostError
   */
  static async create(
    name: string,
    module: object,
    options: VFSOptions = {},
  ): Promise<IDBBlockVFS> {
    const build = recogniseBuild(module);
    if (isSynchronous(build)) {
      throw new UnsupportedError(
        'asynchronous build',
        'this is the synchronous wa-sqlite build, which cannot wait for IndexedDB inside a method. ' +
          'Import wa-sqlite-async.mjs (Asyncify) or wa-sqlite-jspi.mjs instead, or use ' +
          'IDBBlockMirrorVFS, which takes this build.',
      );
    }
    return new IDBBlockVFS(name, {
      build,
      module: module as SqliteModule,
      host: await VolumeHost.open(resolveOptions(name, options)),
    });
  }

  private constructor(name: string, { build, module, host }: LocalParts) {
    const { emitter, options, volume } = host;
    super(name, { build, durability: options.durability, emitter, volume: host });
    const core = new Core(host, {
      commitFiles: commitAndWait.bind(undefined, volume.committer),
      heap: () => module.HEAPU8,
    });
    Object.assign(this, methodsOf(core, module, { build, vfs: this }));
  }

  protected override get engineName(): 'IDBBlockVFS' {
    return 'IDBBlockVFS';
  }
}
