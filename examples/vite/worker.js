import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

const db = await openDatabase('vite.db', { durability: 'relaxed' });
postMessage(`${await countVisits(db)}, ${db.engine.name}`);
