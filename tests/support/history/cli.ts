/** The command line of the histories. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundlePage } from '../../../tools/bundle-page.mjs';
import { HISTORY_PAGE } from './browser.ts';
import { STRIKE_KINDS, type StrikeKind } from './plan.ts';
import type { History } from './record.ts';
import { describeBroken, isBroken, report } from './report.ts';
import { check, type Result, runHistories } from './runner.ts';

const EVIDENCE_DIR = fileURLToPath(
  new URL('../../../node_modules/.cache/histories', import.meta.url),
);
const PROGRESS = 10;

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      histories: { type: 'string', default: '50' },
      transactions: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
      strikes: { type: 'string' },
      check: { type: 'string' },
    },
  });
  if (values.check !== undefined) return checkFile(values.check);
  const seed = wholeNumber('seed', values.seed);
  const transactions = wholeNumber('transactions', values.transactions);
  const count = wholeNumber('histories', values.histories);
  const strikes = values.strikes?.split(',').map(strikeKind);
  const numbers =
    values.only === undefined
      ? Array.from({ length: count }, (_, i) => i + 1)
      : [wholeNumber('only', values.only)];
  console.log(`${numbers.length} histories of ${transactions} sqliteTxs with --seed ${seed}`);
  const started = Date.now();
  let done = 0;
  let broken = 0;
  const onResult = (result: Result) => {
    done++;
    if (isBroken(result)) {
      broken++;
      const file = keep(result, seed);
      const chosen = strikes ? ` --strikes ${strikes}` : '';
      const options = `--seed ${seed} --transactions ${transactions}${chosen}`;
      const replay = `npm run histories -- ${options} --only ${result.number}`;
      console.log(describeBroken(result, { replay, file }));
    }
    if (done % PROGRESS === 0 || done === numbers.length) {
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(`${done} of ${numbers.length} histories, ${broken} broken, ${seconds} s`);
    }
  };
  // Not minified: an error's stack tells where it was.
  const page = await bundlePage(HISTORY_PAGE, { minify: false });
  const chosen = strikes && { strikes };
  const results = await runHistories({ seed, numbers, transactions, page, onResult, ...chosen });
  console.log(`\n${report(results)}`);
  return results.length > 0 && broken === 0 ? 0 : 1;
}

/** Has both checkers look at a history that was kept. */
function checkFile(file: string): number {
  const { history } = JSON.parse(readFileSync(file, 'utf8')) as { history: History };
  const found = check(history);
  for (const { by, kind, text } of found) console.log(`${by}: ${kind}: ${text}`);
  console.log(`${history.sqliteTxs.length} sqliteTxs, ${found.length} anomalies`);
  return found.length === 0 ? 0 : 1;
}

function keep(result: Result, seed: number): string | undefined {
  const { number, history, recording, anomalies } = result;
  if (!history) return undefined;
  mkdirSync(EVIDENCE_DIR, { recursive: true });
  const file = join(EVIDENCE_DIR, `${seed}-${number}.json`);
  writeFileSync(file, JSON.stringify({ anomalies, history, recording }, undefined, 1));
  return file;
}

function strikeKind(word: string): StrikeKind {
  const kind = STRIKE_KINDS.find((candidate) => candidate === word);
  if (kind) return kind;
  throw new Error(`--strikes are some of ${STRIKE_KINDS.join()}, not "${word}"`);
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${option} is a whole number, not "${value}"`);
  return number;
}
