/**
 * `npm run api [-- --check]`
 *
 * Writes what each entry point of the package exports, with its types, to etc/*.api.md. With `--check` it
 * writes nothing, and fails if a report is not what it would write: a change of the API is then seen in
 * the commit that makes it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from '@microsoft/api-extractor';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join(REPOSITORY, 'etc');
const CACHE = join(REPOSITORY, 'node_modules/.cache/api');
/** @type {import('@microsoft/api-extractor').IExtractorMessagesConfig} */
const MESSAGES = {
  extractorMessageReporting: {
    default: { logLevel: ExtractorLogLevel.Error },
    // A type that is named and not exported, as what a constructor that nobody calls takes: in the report.
    'ae-forgotten-export': { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
    'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
    // `npm run reference` asks for documentation.
    'ae-undocumented': { logLevel: ExtractorLogLevel.None },
  },
  tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
};

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
mkdirSync(REPORTS, { recursive: true });
const entries = entryPoints();
const configs = entries.map(({ name, types }) => configOf(name, types));
const [first, ...others] = configs;
if (!first) throw new Error('package.json exports nothing that has types');
const compilerState = CompilerState.create(first, {
  additionalEntryPoints: others.map((config) => config.mainEntryPointFilePath),
});
const failed = configs.filter((config) => {
  const { succeeded } = Extractor.invoke(config, {
    localBuild: !values.check,
    compilerState,
    printApiReportDiff: true,
  });
  return !succeeded;
});
const known = new Set(entries.map(({ name }) => `${name}.api.md`));
const stale = readdirSync(REPORTS).filter((file) => !known.has(file));
if (values.check && stale.length > 0) console.error(`Of no entry point: ${stale.join(', ')}`);
else for (const file of stale) rmSync(join(REPORTS, file));
if (values.check && failed.length > 0) console.error('Run `npm run api` and commit etc/.');
process.exit(failed.length === 0 && !(values.check && stale.length > 0) ? 0 : 1);

/** @returns {{ name: string, types: string }[]} what package.json exports: `index` is the package itself */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'object'
      ? [{ name: path.slice(2) || 'index', types: join(REPOSITORY, target.types) }]
      : [],
  );
}

/** @param {string} name @param {string} types the entry point's declarations */
function configOf(name, types) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(REPOSITORY, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: REPOSITORY,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: compilerOptions() },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: REPORTS,
        reportTempFolder: CACHE,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: MESSAGES,
    },
  });
}

function compilerOptions() {
  const base = JSON.parse(readFileSync(join(REPOSITORY, 'tsconfig.base.json'), 'utf8'));
  return {
    compilerOptions: { ...base.compilerOptions, module: 'nodenext' },
    files: entryPoints().map(({ types }) => types),
  };
}
