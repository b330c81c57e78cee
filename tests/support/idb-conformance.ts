/**
 * What an IndexedDB must do, as cases to be run on any of them: on the simulated one and on browsers.
 * A case that both pass says that the model agrees with the real thing there.
 */
import { cursorCases } from './idb-conformance/cursors.ts';
import { eventCases } from './idb-conformance/events.ts';
import { indexCases } from './idb-conformance/indexes.ts';
import { keyCases } from './idb-conformance/keys.ts';
import { Lab, type Subject } from './idb-conformance/lab.ts';
import { openingCases } from './idb-conformance/opening.ts';
import { recordCases } from './idb-conformance/records.ts';
import { schemaCases } from './idb-conformance/schema.ts';
import { type Case, casesOf, judge, type Verdict } from './idb-conformance/table.ts';
import { transactionCases } from './idb-conformance/transactions.ts';

export type { Subject } from './idb-conformance/lab.ts';
export type { Verdict } from './idb-conformance/table.ts';

const GROUPS = {
  keys: keyCases,
  records: recordCases,
  indexes: indexCases,
  cursors: cursorCases,
  transactions: transactionCases,
  events: eventCases,
  opening: openingCases,
  schema: schemaCases,
};

export interface RunnableCase extends Pick<Case, 'group' | 'name'> {
  readonly judge: () => Promise<Verdict>;
}

/** Every case for the subject, to be run one after the other. */
export function conformanceCases(subject: Subject): readonly RunnableCase[] {
  const lab = new Lab(subject);
  return Object.entries(GROUPS)
    .flatMap(([group, define]) => casesOf(group, (test) => define(lab, test)))
    .map((item) => ({
      group: item.group,
      name: item.name,
      judge: () => judge(item, lab, subject.deviant),
    }));
}
