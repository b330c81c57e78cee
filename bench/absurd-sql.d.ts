/** What the benchmark uses of absurd-sql 0.0.54 and its sql.js, which ship without types. */

declare module '@jlongster/sql.js' {
  type Value = number | string | Uint8Array | null;

  interface Statement {
    bind(parameters: readonly Value[]): boolean;
    step(): boolean;
    get(): Value[];
    reset(): void;
    free(): boolean;
  }

  interface Database {
    exec(sql: string): { readonly columns: string[]; readonly values: Value[][] }[];
    prepare(sql: string): Statement;
    close(): void;
  }

  interface SqlJs {
    readonly FS: {
      mkdir(path: string): void;
      mount(fileSystem: object, options: object, path: string): void;
    };
    readonly Database: new (path: string, options: { filename: true }) => Database;
    register_for_idb(fileSystem: object): void;
  }

  export default function initSqlJs(config: { locateFile(name: string): string }): Promise<SqlJs>;
}

declare module 'absurd-sql' {
  export const SQLiteFS: new (fs: object, backend: object) => object;
}

declare module 'absurd-sql/dist/indexeddb-backend' {
  const IndexedDBBackend: new () => object;
  export default IndexedDBBackend;
}

declare module 'absurd-sql/dist/indexeddb-main-thread' {
  /** Lets a worker ask this page for the storage workers of its databases. */
  export function initBackend(worker: Worker): void;
}
