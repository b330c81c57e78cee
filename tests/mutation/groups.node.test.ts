import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GROUPS } from './groups.mjs';

const ROOT = join(import.meta.dirname, '..', '..');

// Goal: no file is left out of a folder's mutation score unnoticed.
describe.each(Object.entries(GROUPS))('the groups of %s', (folder, groups) => {
  test('have every file once', () => {
    const named = groups.flatMap(({ files }) => files);
    const files = readdirSync(join(ROOT, 'src', folder)).map((name) => name.replace(/\.ts$/, ''));
    expect(named.includes('*') ? files : [...named].sort()).toEqual(files.sort());
  });
});
