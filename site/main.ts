/** The page: what the user does, and what is shown. */
import { WorkerConnection } from './connection.ts';
import { drawBlocks, drawLatency } from './draw.ts';
import { element, field, say, showMetrics, showRows } from './elements.ts';
import type { Opening, WorkerMessage } from './protocol.ts';

const SAMPLES: Readonly<Record<string, string>> = {
  'Largest cities': 'SELECT name, country, population FROM city ORDER BY population DESC LIMIT 20',
  'Cities by country':
    'SELECT country, count(*) AS cities, sum(population) AS people FROM city GROUP BY country ORDER BY people DESC LIMIT 20',
  'Change a thousand rows': 'UPDATE city SET population = population + 1 WHERE id % 135 = 0',
  'A table of your own':
    "CREATE TABLE IF NOT EXISTS note(at, text);\nINSERT INTO note VALUES (datetime('now'), 'kept')",
  'What there is': 'SELECT type, name, sql FROM sqlite_schema',
};
const LATENCIES_MAX = 200;
const REFRESH_MS = 1000;
/** After a commit has been acknowledged, the worker is in the middle of the next one for most of the time. */
const KILL_AFTER_MS = 100;
const START_LIMIT_MS = 30_000;
const LOG_LINES_MAX = 100;

const latencies: number[] = [];
/** The last commit that was acknowledged before a kill. */
let acknowledged = 0;
let onAcknowledged: (() => void) | undefined;
let worker = new WorkerConnection(hear);

function hear(message: WorkerMessage): void {
  if (message.type === 'commit') {
    latencies.push(message.durationMs);
    if (latencies.length > LATENCIES_MAX) latencies.shift();
    drawLatency(element('latency', HTMLCanvasElement), latencies);
  } else if (message.type === 'event') {
    if (message.name === 'acknowledged') {
      acknowledged = Number(/\d+/.exec(message.text)?.[0]);
      onAcknowledged?.();
    }
    log(`${message.name}: ${message.text}`);
  }
}

function log(text: string): void {
  const list = element('log', HTMLOListElement);
  const line = document.createElement('li');
  line.textContent = `${new Date().toLocaleTimeString('en-GB')}  ${text}`;
  list.prepend(line);
  while (list.childElementCount > LOG_LINES_MAX) list.lastElementChild?.remove();
}

/** Runs what a button stands for, with all buttons off meanwhile. */
async function busy(output: string, doing: string, work: () => Promise<string>): Promise<void> {
  const buttons = [...document.querySelectorAll('button')];
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  say(output, doing);
  try {
    say(output, await work());
  } catch (error) {
    say(output, (error as Error).message, 'error');
  } finally {
    for (const button of buttons) button.disabled = false;
    if (focused instanceof HTMLElement) focused.focus();
    await refresh();
  }
}

async function open(): Promise<void> {
  const options: Opening = {
    engine: field('engine').value as Opening['engine'],
    durability: field('durability').value as Opening['durability'],
  };
  try {
    const { engine, durability, persistence } = await worker.call('open', options);
    say('chosen', `${engine.name} on ${engine.build}, ${durability}, ${persistence}`);
    log(`opened: ${engine.name}, because: ${engine.why}`);
  } catch (error) {
    say('chosen', (error as Error).message, 'error');
  }
  await refresh();
}

async function refresh(): Promise<void> {
  try {
    showMetrics(await worker.call('stats'));
    drawBlocks(element('blocks', HTMLCanvasElement), await worker.call('blocks'));
    drawLatency(element('latency', HTMLCanvasElement), latencies);
  } catch {
    // What is not open shows nothing; opening says why.
  }
}

async function run(): Promise<string> {
  const { columns, rows, changes, durationMs } = await worker.call('run', field('sql').value);
  showRows(columns, rows);
  const what = columns.length > 0 ? `${rows.length} rows` : `${changes} rows changed`;
  return `${what}, ${durationMs.toFixed(1)} ms`;
}

/** WebKitGTK 2.50 may keep an idbTx that a killed worker had begun for as long as the page is open. */
async function startAnew(): Promise<void> {
  worker = new WorkerConnection(hear);
  const tooLate = new Promise<never>((_, reject) => {
    const why =
      'The browser still has what the worker had begun: close this page and open it again';
    setTimeout(() => reject(new Error(why)), START_LIMIT_MS);
  });
  await Promise.race([open(), tooLate]);
}

async function killInCommit(): Promise<string> {
  acknowledged = 0;
  const firstCommit = new Promise<void>((resolve) => {
    onAcknowledged = resolve;
  });
  const writing = worker.call('rewriteForEver');
  await Promise.race([firstCommit, writing]);
  await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS));
  worker.kill();
  // It is killed, so its promise rejects.
  await writing.catch(() => undefined);
  log('the worker was killed');
  await startAnew();
  const { rows } = await worker.call('run', 'SELECT min(at), max(at), count(*) FROM rewritten');
  const [first, last, count] = rows[0] ?? [];
  const isWhole = first === last && (count === 2000 || count === 0);
  const isKept = acknowledged === 0 || Number(last) >= acknowledged || durabilityIsDeferred();
  if (!isKept) throw new Error(`Commit ${acknowledged} was acknowledged, and ${last} is the last`);
  if (!isWhole) throw new Error(`Found commits ${first} to ${last} with ${count} rows`);
  return `Opened again: commit ${last ?? 'none'} is there whole, ${count} rows of one commit; ${await worker.call('verify')}`;
}

/** Only then may the newest commits be lost. */
function durabilityIsDeferred(): boolean {
  return field('durability').value === 'deferred';
}

async function importFile(file: File): Promise<string> {
  const what = await worker.call('importFile', file);
  return `Imported ${file.name}: ${what}`;
}

async function exportFile(): Promise<string> {
  const blob = await worker.call('exportFile');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = 'cities.sqlite';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return `Exported ${(blob.size / 2 ** 20).toFixed(1)} MB`;
}

function onClick(id: string, output: string, doing: string, work: () => Promise<string>): void {
  element(id, HTMLButtonElement).addEventListener('click', () => void busy(output, doing, work));
}

function connectElements(): void {
  onClick('run', 'status', 'running…', run);
  onClick('cities', 'status', 'loading…', async () => {
    const count = await worker.call('loadCities');
    return `${count.toLocaleString('en')} cities loaded in one transaction`;
  });
  onClick('kill', 'status', 'writing, to be killed…', killInCommit);
  onClick('export', 'file-status', 'exporting…', exportFile);
  onClick('backup', 'file-status', 'reading everything…', () => worker.call('verify'));
  for (const id of ['engine', 'durability'])
    field(id).addEventListener('change', () => void open());
  element('sql', HTMLTextAreaElement).addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void busy('status', 'running…', run);
  });
  const take = (file: File | undefined | null) => {
    if (file) void busy('file-status', 'importing…', () => importFile(file));
  };
  const input = element('file', HTMLInputElement);
  input.addEventListener('change', () => take(input.files?.[0]));
  const drop = element('drop', HTMLLabelElement);
  drop.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });
  for (const [name, sql] of Object.entries(SAMPLES)) {
    const button = document.createElement('button');
    button.textContent = name;
    button.addEventListener('click', () => {
      field('sql').value = sql;
      field('sql').focus();
    });
    element('samples', HTMLElement).append(button);
  }
  field('sql').value = SAMPLES['What there is'] ?? '';
}

connectElements();
await open();
setInterval(() => {
  if (document.visibilityState === 'visible') void refresh();
}, REFRESH_MS);
