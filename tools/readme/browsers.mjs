/** What works in which browser, as the browser suites found it. */
import { readFileSync } from 'node:fs';
import { importTypeScript } from '../import-typescript.mjs';

const RESULTS = new URL('../../docs/browsers.json', import.meta.url);

export async function browserTable() {
  /** @type {typeof import('../../tests/support/browsers/table.ts')} */
  const { tableOf } = await importTypeScript('tests/support/browsers/table.ts');
  return tableOf(JSON.parse(readFileSync(RESULTS, 'utf8')));
}
