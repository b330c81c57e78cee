/** `IDBBlockVFS`: SQLite databases in IndexedDB, read on demand, on any asynchronous wa-sqlite build. */
import { UnsupportedError } from '../errors.js';
import { BlockVFS, openVolume } from './block-vfs.js';
import { Core } from './core.js';
import { commitAndWait } from './group.js';
import { isSynchronous, recogniseBuild, type SqliteModule } from './module.js';
import { resolveOptions, type VFSOptions } from './options.js';

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
    const resolved = resolveOptions(name, options);
    const opened = await openVolume(resolved);
    const { committer } = opened.volume;
    const commitFiles = commitAndWait.bind(undefined, committer);
    const parts = { ...opened, build, module: module as SqliteModule, options: resolved };
    return new IDBBlockVFS(name, { ...parts, commitFiles }, (deps) => new Core(deps));
  }

  protected override get engineName(): 'IDBBlockVFS' {
    return 'IDBBlockVFS';
  }
}
