/** Takes a database from the host, and gives it back. */
import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBBlockMirrorVFS, IDBBlockSharedVFS, IDBBlockVFS } from '../../../src/index.js';
import { report } from '../../../tools/host-client.ts';

const MEMORY_BYTES_MAX = 4 * 1024 ** 3;

const CREATE = {
  asyncify: async () => IDBBlockVFS.create('transfer', await createAsyncify()),
  mirror: async () =>
    IDBBlockMirrorVFS.create('transfer', await createSync(), {
      memoryBytesMax: MEMORY_BYTES_MAX,
    }),
  shared: async () => IDBBlockSharedVFS.create('transfer', await createSync()),
};

export type TransferEngine = keyof typeof CREATE;

export async function transferRound(engine: TransferEngine): Promise<void> {
  const vfs = await CREATE[engine]();
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
}

function seconds(from: number, to: number): number {
  return Math.round(to - from) / 1000;
}
