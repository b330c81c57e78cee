/** What the package promises, and where each promise is shown: files that exist, sections that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from '../../bench/results.mjs';

/** @param {string} path in the repository */
const fileOf = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * @param {string} document
 * @param {number} [number] of its section
 */
function section(document, number) {
  if (number === undefined) return link(document, document);
  if (!readFileSync(fileOf(document), 'utf8').includes(`\n## ${number}. `)) {
    throw new Error(`${document} has no section ${number}`);
  }
  return link(`${document} §${number}`, document);
}

/** @param {string} text @param {string} path */
function link(text, path) {
  if (!existsSync(fileOf(path))) throw new Error(`${path} does not exist`);
  return `[${text}](${path})`;
}

/** @param {string} script in package.json */
function command(script) {
  const { scripts } = JSON.parse(readFileSync(fileOf('package.json'), 'utf8'));
  if (!Object.hasOwn(scripts, script)) throw new Error(`there is no script "${script}"`);
  return `\`npm run ${script}\``;
}

/** @param {string} path @param {string} name of a constant in that file */
function constant(path, name) {
  const found = new RegExp(`^const ${name} = ([\\d.]+);$`, 'm').exec(
    readFileSync(fileOf(path), 'utf8'),
  );
  if (!found) throw new Error(`${path} has no ${name}`);
  return found[1];
}

const SPACE_TEST = 'tests/sim/compaction.test.ts';

export function promiseTable() {
  const format = section('docs/FORMAT.md', 6);
  const faults = link('fault tests', 'tests/browser');
  const kills = link('kill tests', 'tests/process');
  return table(
    ['promise', 'how it is shown'],
    [
      [
        'A commit is all or nothing, at any crash point',
        `${format}, ${link('every crash point in simulation', 'tests/sim')}, ${kills}`,
      ],
      [
        '`PRAGMA synchronous=FULL`: an acknowledged commit is never lost',
        `${kills}, acknowledgements taken outside the browser; ${command('crash')}`,
      ],
      [
        '`NORMAL` and `OFF`: only a suffix can be lost in a power cut, never a hole',
        section('docs/RECOVERY.md', 1),
      ],
      [
        'Wrong bytes are never served: every block is checked against its file, number, version and bytes',
        link('damage tests', 'tests/browser'),
      ],
      [
        'A failed commit is reported once, changes nothing, and the next statement works',
        `${faults}, ${link('regressions', 'tests/regress')}`,
      ],
      ['A lost connection is opened again; a commit in flight is looked up, not guessed', faults],
      [
        'Two writers never both commit: the store itself refuses the second',
        `${format}, ${faults}`,
      ],
      [
        'Tabs are strictly serialisable, also when they die, freeze or lose the lock',
        `recorded histories of real tabs and two checkers: ${command('histories')}, ${section('docs/TESTING.md')}`,
      ],
      [
        `Space is returned: small writes keep a file within ${constant(SPACE_TEST, 'SPACE_MAX')} times its live bytes, a small one at a few MB more`,
        `${section('docs/FORMAT.md', 8)}, ${link('simulation', SPACE_TEST)}`,
      ],
      [
        'What is exported opens in native SQLite; what is imported is there whole or not at all',
        section('docs/BACKUP.md', 5),
      ],
      ['A newer format is refused untouched', faults],
      ['Quota exceeded is `SQLITE_FULL`, with the database as before', faults],
    ],
  );
}
