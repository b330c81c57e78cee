/**
 * The sets: whoever is compared with each other is measured in one run, taking turns. `npm run bench`
 * runs each set, one after the other; `bench/sets.ts` says who and what is in it.
 */

export const SET_NAMES = /** @type {const} */ ([
  'targets',
  'growth',
  'more',
  'async',
  'sync',
  'observed',
]);

/** @typedef {(typeof SET_NAMES)[number]} SetName */
