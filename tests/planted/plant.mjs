/** Plants a bug: replaces text of source files as Vite loads them. The files stay as they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * @typedef {object} Edit
 * @property {string} file below `src/`
 * @property {string} find occurs exactly once
 * @property {string} replace
 */

/**
 * @param {string} text
 * @param {Edit} edit
 * @returns {string}
 */
export function applyEdit(text, { file, find, replace }) {
  const pieces = text.split(find);
  if (pieces.length === 2) return pieces.join(replace);
  const found = pieces.length === 1 ? 'is gone from' : `occurs ${pieces.length - 1} times in`;
  throw new Error(
    `The text to replace ${found} src/${file}; adapt tests/planted/bugs.mjs:\n${find}`,
  );
}

/**
 * The files that a bug changes, as they become.
 * @param {{ readonly edits: readonly Edit[] }} bug
 * @returns {Map<string, string>} absolute path → text
 */
export function planted({ edits }) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  for (const edit of edits) {
    const path = join(ROOT, 'src', edit.file);
    texts.set(path, applyEdit(texts.get(path) ?? readFileSync(path, 'utf8'), edit));
  }
  return texts;
}

/**
 * @param {Map<string, string>} texts of `planted`
 * @returns {{ plugin: import('vite').Plugin, loaded: Set<string> }} `loaded`: which of them were used
 */
export function plantingPlugin(texts) {
  /** @type {Set<string>} */
  const loaded = new Set();
  const plugin = {
    name: 'planted-bug',
    enforce: /** @type {const} */ ('pre'),
    load(/** @type {string} */ id) {
      const path = id.split('?')[0] ?? id;
      const text = texts.get(path);
      if (text !== undefined) loaded.add(path);
      return text;
    },
  };
  return { plugin, loaded };
}
