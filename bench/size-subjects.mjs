/** Whose code is measured: this package's entry points and engines, and applications of it and of its peers. */
import { fileURLToPath } from 'node:url';

/** @typedef {import('./code-size.mjs').Subject} Subject */
/**
 * @typedef {object} App
 * @property {string} title
 * @property {string} wasm what SQLite is built for, as the table says it
 * @property {Subject} [vfs] its code without SQLite; none if it comes in one piece
 * @property {Subject} whole
 */

/** @param {string} path in src */
const source = (path) => JSON.stringify(fileURLToPath(new URL(`../src/${path}`, import.meta.url)));
const WA_SQLITE = /^@journeyapps\/wa-sqlite/;

/** @type {Readonly<Record<string, Subject>>} by what package.json exports them as; without wa-sqlite */
export const ENTRY_POINTS = {
  '.': entryPoint('index', 'index.ts'),
  './migrate': entryPoint('migrate', 'migrate/index.ts'),
  './testing': entryPoint('testing', 'testing/index.ts'),
  './storage-worker': {
    name: 'storage-worker',
    // The module itself does no more.
    code: `import { serveStorage } from ${source('vfs/shared/serve.ts')};\nserveStorage();\n`,
  },
};

/** @type {readonly Subject[]} of the main entry point what one engine needs, its storage worker included */
export const ENGINES = ['IDBBlockVFS', 'IDBBlockMirrorVFS', 'IDBBlockSharedVFS'].map((name) => ({
  name,
  code: `export { ${name} } from ${source('index.ts')};\n`,
}));

/** @type {readonly App[]} */
export const APPS = [
  ...ENGINES.flatMap((engine) =>
    (engine.name === 'IDBBlockVFS' ? ['async', 'jspi'] : ['sync']).map((build) =>
      onWaSqlite(engine, build),
    ),
  ),
  onWaSqlite(example('IDBBatchAtomicVFS'), 'async'),
  onWaSqlite(example('IDBBatchAtomicVFS'), 'jspi'),
  onWaSqlite(example('IDBMirrorVFS'), 'jspi'),
  absurdSql(),
  {
    title: 'absurder-sql',
    wasm: 'its own',
    whole: {
      name: 'absurder-sql',
      code: "export { default, Database } from '@npiesco/absurder-sql';\n",
    },
  },
  {
    title: "SQLite's own package, OPFS",
    wasm: 'its own',
    whole: {
      name: 'sqlite-wasm',
      code: "export { default } from '@sqlite.org/sqlite-wasm';\n",
      // For pages that have no worker of their own.
      unused: /^sqlite3-worker1/,
    },
  },
];

/** Packages whose versions the sizes are of. */
export const PACKAGES = [
  '@journeyapps/wa-sqlite',
  'absurd-sql',
  '@jlongster/sql.js',
  '@npiesco/absurder-sql',
  '@sqlite.org/sqlite-wasm',
];

/** @param {string} name @param {string} path in src @returns {Subject} */
function entryPoint(name, path) {
  return { name, code: `export * from ${source(path)};\n`, without: WA_SQLITE };
}

/** @param {string} name of an example of wa-sqlite @returns {Subject} */
function example(name) {
  return {
    name,
    code: `export { ${name} } from '@journeyapps/wa-sqlite/src/examples/${name}.js';\n`,
  };
}

/** @param {Subject} vfs @param {string} build @returns {App} */
function onWaSqlite(vfs, build) {
  const file = build === 'sync' ? 'wa-sqlite' : `wa-sqlite-${build}`;
  return {
    title: vfs.name,
    wasm: { sync: 'synchronous', async: 'Asyncify', jspi: 'JSPI' }[build] ?? build,
    vfs,
    whole: {
      name: `${vfs.name}-${build}`,
      code:
        `${vfs.code}export { Factory } from '@journeyapps/wa-sqlite';\n` +
        `export { default } from '@journeyapps/wa-sqlite/dist/${file}.mjs';\n`,
    },
  };
}

/** As its README sets it up. @returns {App} */
function absurdSql() {
  const code =
    "export { SQLiteFS } from 'absurd-sql';\n" +
    "export { default as Backend } from 'absurd-sql/dist/indexeddb-backend';\n" +
    "export { initBackend } from 'absurd-sql/dist/indexeddb-main-thread';\n";
  return {
    title: 'absurd-sql',
    wasm: 'synchronous, sql.js',
    vfs: { name: 'absurd-sql', code },
    whole: {
      name: 'absurd-sql-sql.js',
      code:
        `${code}export { default as initSqlJs } from '@jlongster/sql.js';\n` +
        "export { default as wasm } from '@jlongster/sql.js/dist/sql-wasm.wasm?url';\n",
    },
  };
}
