/** Rules for the text of src/, and two for that of tests, that the linter can't express. */
import { posix } from 'node:path';

export interface SourceFile {
  /** Relative to its folder, with forward slashes: "blockstore/commit.ts". */
  readonly path: string;
  readonly text: string;
}

const BANNED: ReadonlyArray<readonly [pattern: RegExp, reason: string]> = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, 'unfinished work belongs into an issue'],
  [/@ts-(?:ignore|nocheck)/, 'fix the type'],
  [/\bas any\b/, 'any switches the type checker off'],
  [/\bas unknown as\b/, 'a cast through unknown switches the type checker off'],
];

const SHARED = ['errors', 'result-codes', 'timer', 'types'];
const STORE = ['format', 'blockstore', 'recovery', ...SHARED];

/**
 * Which layers (first part of the path below src/) a layer may import, besides itself. Imports
 * point one way: database → vfs → blockstore → format, recovery → blockstore, format; transfer is files as bytes.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: SHARED,
  'result-codes': SHARED,
  timer: SHARED,
  types: SHARED,
  format: SHARED,
  blockstore: ['format', ...SHARED],
  recovery: ['blockstore', 'format', ...SHARED],
  testing: SHARED,
  transfer: ['format', ...SHARED],
  vfs: ['transfer', ...STORE],
  migrate: ['transfer', ...SHARED],
  database: ['vfs', 'transfer', ...SHARED],
  index: ['database', 'vfs', 'transfer', ...STORE],
};

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])(\.{1,2}\/[^'"]+)\1/g;

/** @returns one line for each place that breaks a rule */
export function violations(file: SourceFile): string[] {
  return [...bannedText(file), ...forbiddenImports(file)];
}

function bannedText({ path, text }: SourceFile): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      BANNED.filter(([pattern]) => pattern.test(line)).map(
        ([pattern, reason]) => `${path}:${index + 1}: ${pattern.source}: ${reason}`,
      ),
    );
}

function forbiddenImports({ path, text }: SourceFile): string[] {
  const layer = layerOf(path);
  const allowed = MAY_IMPORT[layer];
  if (allowed === undefined) {
    return [`${path}: the layer "${layer}" is not in the table of who may import what`];
  }
  return [...text.matchAll(IMPORT)].flatMap(([, , specifier = '']) => {
    const target = posix.join(posix.dirname(path), specifier);
    const targetLayer = layerOf(target);
    if (target.startsWith('../')) return [`${path}: ${specifier} leaves src/`];
    if (targetLayer === layer || allowed.includes(targetLayer)) return [];
    return [`${path}: ${layer} must not import ${targetLayer} (${specifier})`];
  });
}

function layerOf(path: string): string {
  return path.replace(/\.[cm]?[jt]s$/, '').split('/')[0] ?? '';
}

/** It gives up after a second, unless it is told otherwise. */
const IMPATIENT = /\bvi\.waitFor\(|\bexpect\s*\.poll\(/;

export function isImpatient(text: string): boolean {
  return IMPATIENT.test(text);
}

/** Not those of types alone, which are gone when the code runs. */
const RUN_TIME_IMPORT =
  /(?:^(?:import|export)\s+(?!type\b)(?:[^'"]*\sfrom\s*)?|\bimport\(\s*|\bnew URL\(\s*(?=['"]\.))(['"])([^'"]+)\1/gm;

/** The paths of a file and of what it loads, down to one that loads `what`; undefined if none does. */
export function wayTo(
  what: RegExp,
  { path, text }: SourceFile,
  files: ReadonlyMap<string, SourceFile>,
  seen: Set<string> = new Set(),
): string[] | undefined {
  seen.add(path);
  const specifiers = [...text.matchAll(RUN_TIME_IMPORT)].map(([, , from = '']) => from);
  if (specifiers.some((each) => what.test(each))) return [path];
  for (const specifier of specifiers.filter((each) => each.startsWith('.'))) {
    const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
    const file = files.get(target);
    const way = file && !seen.has(target) ? wayTo(what, file, files, seen) : undefined;
    if (way) return [path, ...way];
  }
  return undefined;
}
