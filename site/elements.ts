/** The page's elements, found by id, and what is written into them. */
import type { VFSStats } from '../src/index.ts';

export function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} "${id}"`);
  return found;
}

/** Something with a value. */
export function field(id: string): HTMLSelectElement | HTMLTextAreaElement {
  return element(id, HTMLElement) as HTMLSelectElement | HTMLTextAreaElement;
}

export function say(id: string, text: string, tone: 'plain' | 'error' = 'plain'): void {
  const output = element(id, HTMLOutputElement);
  output.textContent = text;
  output.classList.toggle('error', tone === 'error');
}

export function showRows(columns: readonly string[], rows: readonly (readonly unknown[])[]): void {
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = column;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) line.insertCell().textContent = textOf(value);
  }
  element('rows', HTMLElement).replaceChildren(...(columns.length > 0 ? [table] : []));
}

function textOf(value: unknown): string {
  if (value === null) return '–';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value);
}

const count = (n: number) => n.toLocaleString('en');
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
const share = (part: number, whole: number) =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;

const METRICS: readonly (readonly [string, (stats: VFSStats) => string])[] = [
  ['Commits complete', ({ commits }) => count(commits)],
  ['Waiting to be complete', ({ deferredCommits }) => count(deferredCommits)],
  ['IndexedDB requests', ({ requests }) => count(requests)],
  ['IndexedDB transactions', ({ transactions }) => count(transactions)],
  ['Read from memory', ({ cacheHits, cacheMisses }) => share(cacheHits, cacheHits + cacheMisses)],
  ['Read from IndexedDB', ({ bytesRead }) => megabytes(bytesRead)],
  ['In memory', ({ cacheBytes }) => megabytes(cacheBytes)],
  ['Live data', ({ liveBytes }) => megabytes(liveBytes)],
  ['Their segments', ({ segmentBytes }) => megabytes(segmentBytes)],
  ['Checksum failures', ({ checksumFailures }) => count(checksumFailures)],
  ['Open snapshots', ({ openSnapshots }) => count(openSnapshots)],
  ['Connections reopened', ({ reopens }) => count(reopens)],
];

export function showMetrics(stats: VFSStats): void {
  const list = element('metrics', HTMLElement);
  const lines = METRICS.flatMap(([name, value]) => {
    const term = document.createElement('dt');
    term.textContent = name;
    const definition = document.createElement('dd');
    definition.textContent = value(stats);
    return [term, definition];
  });
  list.replaceChildren(...lines);
}
