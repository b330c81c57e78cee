/**
 * What an IndexedDB must do, as cases to be run on any of them: on the simulated one and on browsers.
 * A case that both pass says that the model agrees with the real thing there.
 */
import { describe } from 'vitest';
import { cursorCases } from './idb-conformance/cursors.ts';
import { eventCases } from './idb-conformance/events.ts';
import { indexCases } from './idb-conformance/indexes.ts';
import { keyCases } from './idb-conformance/keys.ts';
import { Lab, type Subject } from './idb-conformance/lab.ts';
import { openingCases } from './idb-conformance/opening.ts';
import { recordCases } from './idb-conformance/records.ts';
import { schemaCases } from './idb-conformance/schema.ts';
import { transactionCases } from './idb-conformance/transactions.ts';

export type { Subject } from './idb-conformance/lab.ts';

/** Defines every case for the subject. */
export function defineConformance(subject: Subject): void {
  const lab = new Lab(subject);
  describe('keys', () => keyCases(lab));
  describe('records', () => recordCases(lab));
  describe('indexes', () => indexCases(lab));
  describe('cursors', () => cursorCases(lab));
  describe('transactions', () => transactionCases(lab));
  describe('events', () => eventCases(lab));
  describe('opening', () => openingCases(lab));
  describe('schema', () => schemaCases(lab));
}
