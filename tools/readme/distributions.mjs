/** The wa-sqlite packages that the SQL suites run on, engine by engine. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from '../../bench/results.mjs';
import { importTypeScript } from '../import-typescript.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TESTS = `${ROOT}tests/browser/`;

export async function distributionTable() {
  /** @type {typeof import('../../tests/support/builds.ts')} */
  const { DISTRIBUTIONS, distributionOf, engineOf, EVERY_ENGINE, SQL_ENGINES } =
    await importTypeScript('tests/support/builds.ts');
  const engines = [...new Set(EVERY_ENGINE.map(engineOf))];
  const everywhere = suitesOn('EVERY_ENGINE');
  const whereAnythingWaits = [...everywhere, ...suitesOn('SQL_ENGINES')];
  const others = suites().filter((suite) => !whereAnythingWaits.includes(suite));
  const rows = DISTRIBUTIONS.map((distribution) => [
    `${distribution.name} ${versionIn(distribution.folder)}`,
    distribution.sqlite,
    ...engines.map((engine) => {
      const builds = EVERY_ENGINE.filter(
        (build) => engineOf(build) === engine && distributionOf(build) === distribution,
      );
      const whole = builds.filter((build) => SQL_ENGINES.includes(build)).length;
      if (whole > 0) return whole === 1 ? 'all' : `all, on ${whole} builds`;
      return builds.length > 0 ? named(everywhere) : '–';
    }),
  ]);
  return [
    table(['package', 'SQLite', ...engines], rows),
    `*All*: ${named(whereAnythingWaits.sort())}. Once for each engine, on the first package: ${named(others)}.`,
  ].join('\n\n');
}

/** The names of all SQL suites. */
function suites() {
  return readdirSync(TESTS).flatMap((file) => /^(sql-[\w-]+)\.test\.ts$/.exec(file)?.[1] ?? []);
}

/** @param {string} list of builds, by its name */
function suitesOn(list) {
  return suites().filter((suite) =>
    readFileSync(`${TESTS}${suite}.test.ts`, 'utf8').includes(`describe.each(${list})`),
  );
}

/** @param {readonly string[]} names */
function named(names) {
  return names.map((name) => `\`${name}\``).join(', ');
}

/** @param {string} folder in node_modules */
function versionIn(folder) {
  return JSON.parse(readFileSync(`${ROOT}node_modules/${folder}/package.json`, 'utf8')).version;
}
