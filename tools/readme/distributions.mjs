/** The wa-sqlite packages that the SQL suites run on, engine by engine. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from '../../bench/results.mjs';
import { importTypeScript } from '../import-typescript.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export async function distributionTable() {
  /** @type {typeof import('../../tests/support/builds.ts')} */
  const { DISTRIBUTIONS, distributionOf, engineOf, EVERY_ENGINE, SQL_ENGINES } =
    await importTypeScript('tests/support/builds.ts');
  const engines = [...new Set(EVERY_ENGINE.map(engineOf))];
  return table(
    ['package', 'SQLite', ...engines],
    DISTRIBUTIONS.map((distribution) => [
      `${distribution.name} ${versionIn(distribution.folder)}`,
      distribution.sqlite,
      ...engines.map((engine) => {
        const builds = EVERY_ENGINE.filter(
          (build) => engineOf(build) === engine && distributionOf(build) === distribution,
        );
        const whole = builds.filter((build) => SQL_ENGINES.includes(build)).length;
        if (whole > 0) return whole === 1 ? 'all' : `all, on ${whole} builds`;
        return builds.length > 0 ? 'those in which nothing waits' : '–';
      }),
    ]),
  );
}

/** @param {string} folder in node_modules */
function versionIn(folder) {
  return JSON.parse(readFileSync(`${ROOT}node_modules/${folder}/package.json`, 'utf8')).version;
}
