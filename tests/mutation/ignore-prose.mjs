/**
 * Leaves out of mutation testing what errors say to people: strings with a space in them. Tests look
 * at an error's class and at what it names, not at its words. Names of stores, modes and tags have none.
 */

/** @typedef {{ isStringLiteral(): boolean, isTemplateLiteral(): boolean, node: { value?: string, quasis?: { value: { raw: string } }[] } }} Path */

/** @param {Path} path */
function textOf({ node }) {
  return node.value ?? node.quasis?.map(({ value }) => value.raw).join('') ?? '';
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'prose',
    value: {
      /** @param {Path} path */
      shouldIgnore(path) {
        const isText = path.isStringLiteral() || path.isTemplateLiteral();
        return isText && textOf(path).includes(' ') ? 'words for people' : undefined;
      },
    },
  },
];
