/** The browser's IndexedDB, held against the cases that the simulation passes. */
import { describe } from 'vitest';
import { realSubjects } from '../support/conformance-subjects.ts';
import { defineConformance } from '../support/conformance-tests.ts';

describe.each(realSubjects('chromium'))('$name', ({ subject }) => {
  defineConformance(subject);
});
