/** Takes a database from its host, and gives it back. */
import createSync from 'wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBBlockMirrorVFS, IDBBlockVFS } from '../../../src/index.js';
import { report, reportErrors } from '../../../tools/host-client.ts';

const MEMORY_BYTES_MAX = 4 * 1024 ** 3;

reportErrors();
const isMirror = new URLSearchParams(location.search).get('engine') === 'mirror';
const vfs = isMirror
  ? await IDBBlockMirrorVFS.create('transfer', await createSync(), {
      memoryBytesMax: MEMORY_BYTES_MAX,
    })
  : await IDBBlockVFS.create('transfer', await createAsyncify());
await report('ready');

const began = performance.now();
const { body } = await fetch('/__given');
if (!body) throw new Error('the host gives nothing');
const imported = await vfs.importFile('big.db', body);
const taken = performance.now();
await report('imported', { fileBytes: imported.fileBytes, seconds: seconds(began, taken) });

let bytes = 0;
for await (const chunk of vfs.exportFile('big.db')) {
  bytes += chunk.length;
  await fetch('/__chunk', { method: 'POST', body: chunk as BodyInit });
}
await report('exported', { bytes, seconds: seconds(taken, performance.now()) });

function seconds(from: number, to: number): number {
  return Math.round(to - from) / 1000;
}
