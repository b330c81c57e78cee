import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isImpatient, type SourceFile, violations } from './support/source-rules.ts';

const SRC = join(import.meta.dirname, '..', 'src');
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

describe('the rules', () => {
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
