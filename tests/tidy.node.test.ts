import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isImpatient, type SourceFile, violations, wayTo } from './support/source-rules.ts';

const SRC = join(import.meta.dirname, '..', 'src');
const VITEST = /^vitest(\/|$)/;
/** What the others wait with. */
const PATIENT = 'support/soon.ts';

test('src keeps its rules', () => {
  const files = filesBelow(SRC);
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap(violations)).toEqual([]);
});

test('tests wait with soon(), which is patient on a busy machine', () => {
  const files = filesBelow(import.meta.dirname).filter(({ path }) => path.endsWith('.ts'));
  const impatient = files.filter(({ text }) => isImpatient(text)).map(({ path }) => path);
  expect(impatient).toEqual([PATIENT]);
});

test('pages that run by themselves load nothing of Vitest', () => {
  const files = new Map(filesBelow(import.meta.dirname).map((file) => [file.path, file]));
  const pages = [...files.values()].filter(({ path }) => path.startsWith('support/pages/'));
  expect(pages.length).toBeGreaterThan(0);
  expect(pages.map((page) => wayTo(VITEST, page, files)).filter(Boolean)).toEqual([]);
});

describe('the rules', () => {
  // Goal: a page that comes upon Vitest by others' imports is found. Method: such a page, and one that has its
  // types alone.
  test.each([
    [`import { b } from './b.js';`, ['a.ts', 'b.ts']],
    [`import {\n  b,\n} from './b.ts';`, ['a.ts', 'b.ts']],
    [`export * from './b.ts';`, ['a.ts', 'b.ts']],
    [`import './b.ts';`, ['a.ts', 'b.ts']],
    [`new Worker(new URL('./b.ts', import.meta.url))`, ['a.ts', 'b.ts']],
    [`const { b } = await import('./b.ts');`, ['a.ts', 'b.ts']],
    [`import { test } from 'vitest';`, ['a.ts']],
    [`import { page } from 'vitest/browser';`, ['a.ts']],
    [`import type { b } from './b.ts';`, undefined],
    [`import { x } from './c.ts';`, undefined],
  ])('%s is on the way to Vitest: %s', (text, way) => {
    const files = [
      { path: 'b.ts', text: `import { x } from './c.ts';\nimport { vi } from 'vitest';` },
      { path: 'c.ts', text: `import { a } from './a.ts';` },
    ];
    const known = new Map(files.map((file) => [file.path, file]));
    expect(wayTo(VITEST, { path: 'a.ts', text }, known)).toEqual(way);
  });

  // Goal: the test above can fail. Method: one sample for each rule, on both sides of it.
  test.each([
    ['format/keys.ts', `import { x } from '../blockstore/map.js';`],
    ['format/keys.ts', `export * from "../recovery/scan.js";`],
    ['blockstore/open.ts', `import type { X } from '../recovery/decide.js';`],
    ['blockstore/open.ts', `import '../vfs/file.js';`],
    ['recovery/scan.ts', `const x = await import('../vfs/file.js');`],
    ['recovery/scan.ts', `const url = new URL('../vfs/worker.js', import.meta.url);`],
    ['errors.ts', `import { x } from './format/keys.js';`],
    ['vfs/file.ts', `import { x } from '../index.js';`],
    ['vfs/file.ts', `import { x } from '../../tests/support/x.js';`],
    ['elsewhere/a.ts', ''],
    ['types.ts', '// TODO later'],
    ['types.ts', '// @ts-ignore'],
    ['types.ts', 'const x = y as any;'],
    ['types.ts', 'const x = y as unknown as number;'],
  ])('%s must not contain: %s', (path, text) => {
    expect(violations({ path, text })).toHaveLength(1);
  });

  test.each([
    ['format/keys.ts', `import { x } from './checksum.js';\nimport { y } from '../errors.js';`],
    ['format/keys.ts', `import { y } from '../errors/base.js';\nimport z from 'idb';`],
    ['recovery/apply.ts', `import {\n  x,\n} from '../blockstore/idb.js';`],
    ['vfs/engine.ts', `import { x } from '../recovery/apply.js';`],
    ['index.ts', `export { x } from './vfs/engine.js';`],
    ['types.ts', `const message = 'nothing to do as anyone can see';`],
  ])('%s may contain: %s', (path, text) => {
    expect(violations({ path, text })).toEqual([]);
  });
});

function filesBelow(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(folder, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }));
}
