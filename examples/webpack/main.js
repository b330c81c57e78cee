import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

const db = await openDatabase('webpack.db');
document.body.textContent = await countVisits(db);
