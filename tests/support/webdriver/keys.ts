/** Key presses as WebDriver's actions. */

/** Keys without a character of their own have one of Unicode's private ones. */
const KEYS = {
  Tab: '\uE004',
  Enter: '\uE007',
  Control: '\uE009',
} as const;
export type KeyName = keyof typeof KEYS;

/** A key by its name, or by its character. */
function valueFor(key: KeyName | string): string {
  return (KEYS as Readonly<Record<string, string>>)[key] ?? key;
}

export function pressed(keys: readonly (KeyName | string)[]): object {
  const values = keys.map(valueFor);
  const down = values.map((value) => ({ type: 'keyDown', value }));
  const up = values.toReversed().map((value) => ({ type: 'keyUp', value }));
  return onKeyboard([...down, ...up]);
}

export function typed(text: string): object {
  const actions = [...text].flatMap((value) => [
    { type: 'keyDown', value },
    { type: 'keyUp', value },
  ]);
  return onKeyboard(actions);
}

function onKeyboard(actions: readonly object[]): object {
  return { actions: [{ type: 'key', id: 'keyboard', actions }] };
}
