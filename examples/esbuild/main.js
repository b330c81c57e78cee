import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

// esbuild leaves new URL('x.wasm', import.meta.url) as it is: build.js puts the files beside the bundle.
const db = await openDatabase('esbuild.db', {
  locateFile: (file) => new URL(file, import.meta.url),
});
document.body.textContent = await countVisits(db);
