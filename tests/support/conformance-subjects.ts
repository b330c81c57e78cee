/** Who has to pass the conformance suite in a browser: its own IndexedDB, and the simulated one. */
import { FaultInjector, SimulatedIndexedDB, SimulatedKeyRange } from '../../src/testing/index.js';
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import type { Deviant } from './idb-conformance/table.ts';
import type { Subject } from './idb-conformance.ts';

export interface NamedSubject {
  readonly name: string;
  readonly subject: Subject;
}

const ON_PURPOSE = new Error('thrown on purpose');

export function realSubjects(deviant: Deviant): readonly NamedSubject[] {
  // Errors of its functions are reported to its own window, where nobody listens.
  const frame = document.createElement('iframe');
  document.body.append(frame);
  const throwing = () => {
    const realm = frame.contentWindow as Window & { readonly Function: FunctionConstructor };
    return realm.Function('throw new Error("thrown on purpose")') as () => never;
  };
  const factories: readonly (readonly [name: string, factory: IDBFactory])[] = [
    ['the browser', indexedDB],
    // With nothing planned it changes nothing.
    ['an injector over it', new FaultInjector().factory],
    ['an injector with history', new FaultInjector(indexedDB, { history: true }).factory],
  ];
  return factories.map(([name, factory]) => ({
    name,
    subject: { factory, KeyRange: IDBKeyRange, deviant, throwing },
  }));
}

/** Inside a browser, whose own classes the simulation must get along with. */
export function simulatedSubjects(browser: BrowserName): readonly NamedSubject[] {
  const throwing = () => () => {
    throw ON_PURPOSE;
  };
  return [
    ['its own key ranges', SimulatedKeyRange as object as typeof IDBKeyRange] as const,
    ["the browser's key ranges", IDBKeyRange] as const,
  ].map(([ranges, KeyRange]) => ({
    name: `the simulation, with ${ranges}`,
    subject: {
      factory: new SimulatedIndexedDB(),
      KeyRange,
      throwing,
      ...(browser === 'webkit' && { deviant: 'simulation in webkit' }),
    },
  }));
}

/** Keeps what is thrown on purpose from being reported. @returns a function that ends it */
export function muteOnPurpose(): () => void {
  const { reportError } = globalThis;
  globalThis.reportError = (error: unknown) => {
    if (error !== ON_PURPOSE) reportError(error);
  };
  return () => {
    globalThis.reportError = reportError;
  };
}
