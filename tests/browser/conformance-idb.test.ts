/** The browser's IndexedDB, held against the cases that the simulation passes. */
import { defineConformance } from '../support/idb-conformance.ts';

/** Errors of its functions are reported to its own window, where nobody listens. */
const frame = document.createElement('iframe');
document.body.append(frame);

defineConformance({
  factory: indexedDB,
  KeyRange: IDBKeyRange,
  throwing: () => {
    const realm = frame.contentWindow as Window & { readonly Function: FunctionConstructor };
    return realm.Function('throw new Error("thrown on purpose")') as () => never;
  },
});
