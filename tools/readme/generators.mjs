/** What writes the generated parts of the documents, by their names. */
import { readCities } from '../../demo/cities.mjs';
import { browserTable } from './browsers.mjs';
import { distributionTable } from './distributions.mjs';
import { durabilityTable } from './durability.mjs';
import { promiseTable } from './promises.mjs';
import { sizeTables } from './size.mjs';
import { speedTable } from './speed.mjs';

/** @type {Readonly<Record<string, import('../generated.mjs').Generator>>} */
export const GENERATORS = {
  browsers: browserTable,
  cities: () => readCities().count.toLocaleString('en'),
  distributions: distributionTable,
  durability: durabilityTable,
  promises: promiseTable,
  size: sizeTables,
  speed: speedTable,
};
