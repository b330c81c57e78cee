/** The browser's IndexedDB, held against the cases that the simulation passes. */
import { describe, inject } from 'vitest';
import { deviantOf } from '../support/browsers/targets.ts';
import { realSubjects } from '../support/conformance-subjects.ts';
import { defineConformance } from '../support/conformance-tests.ts';

describe.each(realSubjects(deviantOf(inject('target'))))('$name', ({ subject }) => {
  defineConformance(subject);
});
