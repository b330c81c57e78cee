/** Which engine and which wa-sqlite build a database gets, and why. Pure. */
import { OptionError } from '../errors.js';
import type { Build } from '../vfs/module.js';
import { isSynchronous } from '../vfs/module.js';

/** How a database is kept. `'memory'` is not kept at all. */
export type EngineName = 'IDBBlockVFS' | 'IDBBlockSharedVFS' | 'IDBBlockMirrorVFS' | 'memory';

/** A build that comes with the package. */
export type BundledBuild = 'sync' | 'asyncify' | 'jspi';

/** What `openDatabase` took. */
export interface EngineChoice {
  /** The class of the engine. */
  readonly name: EngineName;
  /** The wa-sqlite build it runs on. */
  readonly build: Build;
  /** For people: what decided. */
  readonly why: string;
}

/** What the context can do, as far as it matters here. */
export interface Capabilities {
  readonly indexedDB: boolean;
  /** WebAssembly can suspend for a promise. */
  readonly jspi: boolean;
  /** Why the shared engine cannot be had; undefined if it can. */
  readonly sharedRefusal: string | undefined;
}

export interface Wishes {
  readonly engine: 'auto' | 'async' | 'shared' | 'mirror' | 'memory';
  /** Of the module that the app has made itself. */
  readonly given: Build | undefined;
  readonly build: BundledBuild | undefined;
  /** Take memory if IndexedDB cannot be had. */
  readonly orMemory: boolean;
}

/** @throws OptionError if the wishes contradict each other */
export function chooseEngine(wishes: Wishes, can: Capabilities): EngineChoice {
  const { engine, orMemory } = wishes;
  if (engine === 'memory') return onSync('memory', wishes, 'as told; nothing is stored');
  if (!can.indexedDB && orMemory) {
    return onSync('memory', { ...wishes, build: undefined }, 'there is no IndexedDB here');
  }
  if (engine === 'shared') return onSync('IDBBlockSharedVFS', wishes, 'as told');
  if (engine === 'mirror') return onSync('IDBBlockMirrorVFS', wishes, 'as told');
  if (engine === 'async') return onAsync(wishes, can, 'engine as told');
  return automatic(wishes, can);
}

function automatic(wishes: Wishes, can: Capabilities): EngineChoice {
  const wished = wishes.given ?? wishes.build;
  if (wished !== undefined && !isSynchronous(wished)) {
    return onAsync(wishes, can, 'the build is asynchronous');
  }
  if (can.sharedRefusal === undefined) {
    const why = 'a dedicated worker of a cross-origin isolated page, where it is the fastest';
    return onSync('IDBBlockSharedVFS', wishes, why);
  }
  if (wished !== undefined) {
    return onSync('IDBBlockMirrorVFS', wishes, `the build is synchronous; ${can.sharedRefusal}`);
  }
  return onAsync(wishes, can, can.sharedRefusal);
}

function onSync(name: EngineName, { given, build }: Wishes, why: string): EngineChoice {
  const taken = given ?? build ?? 'sync';
  if (name !== 'memory' && !isSynchronous(taken)) {
    throw new OptionError('build', `${name} takes the synchronous build, not ${taken}`);
  }
  return { name, build: taken, why };
}

function onAsync({ given, build }: Wishes, can: Capabilities, why: string): EngineChoice {
  const wished = given ?? build;
  if (wished !== undefined && isSynchronous(wished)) {
    throw new OptionError('build', 'IDBBlockVFS takes an asynchronous build, not sync');
  }
  const taken = wished ?? (can.jspi ? 'jspi' : 'asyncify');
  const because = wished
    ? ''
    : `; ${can.jspi ? 'this browser has JSPI' : 'this browser has no JSPI'}`;
  return { name: 'IDBBlockVFS', build: taken, why: `${why}${because}` };
}
