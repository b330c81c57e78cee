/** The form of the case table: a name, what must hold, and which browsers are known to differ. */
import type { BrowserName } from '../../../tools/browsers/browser.mjs';

/** Who may differ: the IndexedDB of a browser, or the simulation where it runs in one. */
export type Deviant = BrowserName | 'chromium-sqlite' | 'simulation in webkit';

/** A behaviour that is not the table's. */
export interface Difference {
  readonly why: string;
  /** A part of the message with which the case fails there: to fail otherwise is no known difference. */
  readonly seen: string;
  /** It comes down to which of two tasks is first, so that the case may also come out as it should. */
  readonly race?: true;
}

export type Differences = Readonly<Partial<Record<Deviant, Difference>>>;

/** What is cleaned up after each case. */
export interface Cleaned {
  cleanUp(): Promise<void>;
}

export interface Case {
  readonly group: string;
  readonly name: string;
  readonly differs: Differences;
  readonly run: () => unknown;
}

/** Adds a case to the table. */
export interface Define {
  (name: string, run: () => unknown): void;
  (name: string, differs: Differences, run: () => unknown): void;
}

export type Verdict =
  | { readonly tag: 'agrees' }
  | { readonly tag: 'differs'; readonly why: string }
  | { readonly tag: 'failed'; readonly message: string };

/** Known differences of more than one part. */
export const REFUSED_PUT_DELETES: Differences = {
  webkit: {
    why: 'a put that breaks a unique index has already deleted the record it was to replace',
    seen: 'expected undefined to deeply equal',
  },
};
export const TIMERS_FIRST: Differences = {
  'simulation in webkit': {
    why: 'without scheduler.postTask a timer may come before the end of the task under way',
    seen: 'AssertionError',
    race: true,
  },
};

const CASE_TIMEOUT_MS = 60_000;

/** @returns the cases of one part of the table */
export function casesOf(group: string, defineAll: (test: Define) => void): readonly Case[] {
  const cases = new Map<string, Case>();
  defineAll((name: string, ...rest: [() => unknown] | [Differences, () => unknown]) => {
    if (cases.has(name)) throw new Error(`Two cases of ${group} are called "${name}"`);
    const [differs, run] = rest.length === 1 ? [{}, rest[0]] : rest;
    cases.set(name, { group, name, differs, run });
  });
  return [...cases.values()];
}

/** Runs a case and cleans up after it. Who no longer differs as it is said to fails. */
export async function judge(item: Case, lab: Cleaned, deviant?: Deviant): Promise<Verdict> {
  const failures = [await failureOf(item.run), await failureOf(() => lab.cleanUp())];
  const failure = failures.find((message) => message !== undefined);
  const difference = deviant && item.differs[deviant];
  if (failure === undefined) {
    if (!difference || difference.race) return { tag: 'agrees' };
    return failed(`it is said to differ (${difference.why}), but it agrees`);
  }
  if (!difference) return failed(failure);
  if (failure.includes(difference.seen)) return { tag: 'differs', why: difference.why };
  return failed(`it is said to differ (${difference.why}), but otherwise than so: ${failure}`);
}

function failed(message: string): Verdict {
  return { tag: 'failed', message };
}

/** @returns the message of what `run` throws, if it does, or does not end */
async function failureOf(run: () => unknown): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const give = () => reject(new Error(`no end within ${CASE_TIMEOUT_MS} ms`));
    timer = setTimeout(give, CASE_TIMEOUT_MS);
  });
  try {
    await Promise.race([run(), late]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    clearTimeout(timer);
  }
}
