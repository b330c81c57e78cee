import { describe, expect, test } from 'vitest';
import { fill, unsourced } from '../../tools/generated.mjs';

const GENERATORS = { count: () => '12', rows: async () => '| a |\n| --- |' };

describe('generated parts', () => {
  // Goal: a part holds what its generator says, and nothing else changes. Method: one within a line and one
  // of whole lines, filled twice.
  test('are made anew, within a line or as lines, and the rest stays', async () => {
    const text =
      'There are <!-- generated: count -->9<!-- end: count --> of them.\n\n' +
      '<!-- generated: rows -->\nold\n<!-- end: rows -->\nrest\n';
    const filled =
      'There are <!-- generated: count -->12<!-- end: count --> of them.\n\n' +
      '<!-- generated: rows -->\n\n| a |\n| --- |\n\n<!-- end: rows -->\nrest\n';
    expect(await fill(text, GENERATORS)).toBe(filled);
    expect(await fill(filled, GENERATORS)).toBe(filled);
  });

  test.each([
    ['<!-- generated: other --><!-- end: other -->', 'Nothing generates the part "other"'],
    ['<!-- generated: toString --><!-- end: toString -->', 'Nothing generates the part "toString"'],
    ['<!-- generated: count --><!-- end: rows -->', '"count" is ended by "rows"'],
    ['<!-- generated: count --> and on', 'stands alone'],
    ['<!-- generated: count -->1<!-- end: count --> <!-- end: count -->', 'stands alone'],
  ])('%s is refused', async (text, message) => {
    await expect(fill(text, GENERATORS)).rejects.toThrow(message);
  });
});

describe('numbers and tables that no command writes', () => {
  test.each(['Takes 5 ms.', '| a | b |', '```sh\nnpm run demo # 100 cities\n```', '2nd'])(
    '%s is found',
    (text) => expect(unsourced(text)).toHaveLength(1),
  );

  test.each([
    'as `wa-sqlite@1.0.0` has it',
    '[the format, §6](docs/FORMAT-1.md)',
    '```js\nlimit = 5 || 6;\n```',
    '<!-- generated: count -->12<!-- end: count --> cities',
    '<!-- generated: rows -->\n\n| 1 |\n\n<!-- end: rows -->',
  ])('%s is fine', (text) => expect(unsourced(text)).toEqual([]));

  test('are told with their line', () => {
    expect(unsourced('one\n```js\n1;\n```\nfound 3 bugs')).toEqual(['5: found 3 bugs']);
  });
});
