/**
 * Types for the packages of wa-sqlite: what theirs leave out, and npm's older one under the name that
 * this repository installs it by.
 */
/// <reference path="../../node_modules/@journeyapps/wa-sqlite/src/types/index.d.ts" />

declare module '@journeyapps/wa-sqlite/src/examples/*.js' {
  interface ExampleVFS {
    create(name: string, module: object, options?: object): Promise<SQLiteVFS>;
  }
  export const AccessHandlePoolVFS: ExampleVFS;
  export const IDBBatchAtomicVFS: ExampleVFS;
  export const IDBMirrorVFS: ExampleVFS;
  export const MemoryVFS: ExampleVFS;
  export const MemoryAsyncVFS: ExampleVFS;
  export const OPFSCoopSyncVFS: ExampleVFS;
  export const OPFSWriteAheadVFS: ExampleVFS;
}

/** What the package's own types leave out. */
declare module '@journeyapps/wa-sqlite/src/examples/IDBBatchAtomicVFS.js' {
  namespace IDBBatchAtomicVFS {
    function create(name: string, module: object, options?: object): Promise<SQLiteVFS>;
  }
}

declare module 'wa-sqlite-legacy' {
  export * from '@journeyapps/wa-sqlite';
}

declare module 'wa-sqlite-legacy/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}

declare module 'wa-sqlite-legacy/src/examples/*.js' {
  export const IDBBatchAtomicVFS: new (name?: string, options?: object) => SQLiteVFS;
  export const MemoryVFS: new () => SQLiteVFS;
  export const MemoryAsyncVFS: new () => SQLiteVFS;
}

// The types that the package ships add to the global ones of the others.
declare module '@livestore/wa-sqlite/src/sqlite-api.js' {
  /** Its calls are synchronous, but for `open_v2`. */
  export function Factory(module: object): {
    statements(connection: number, sql: string, options: { unscoped: boolean }): Iterable<number>;
    finalize(statement: number): number;
  };
}

declare module '@livestore/wa-sqlite/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}

/** As this package itself imports them; the types declare only some. */
declare module '@journeyapps/wa-sqlite/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}
