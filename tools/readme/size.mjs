/** What an application ships, as `npm run size` has measured it. */
import { appTable, entryPointTable, readSizes, SIZE_METHOD } from '../../bench/sizes.mjs';

export function sizeTables() {
  const sizes = readSizes();
  if (!sizes) throw new Error('no sizes are written yet: run `npm run size`');
  return [SIZE_METHOD, appTable(sizes), entryPointTable(sizes)].join('\n\n');
}
