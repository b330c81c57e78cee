/**
 * Judges how a page has outlived the process of IndexedDB: what it saw with its next statements, and after
 * some more steps, if it could do any. Pure.
 */
import type { Message } from '../../tools/message-log.mjs';
import { returnsEarly } from './kill-engines.ts';
import { type Bounds, beyond, boundsAfter, type Problem } from './kill-judge.ts';
import type { CallFailure, MessageOf, State, Survival, Trial } from './kill-plan.ts';

/** What a program can act upon. */
const CLEAR = ['CONNECTION_LOST', 'COMMIT_UNKNOWN', 'BUSY_SNAPSHOT'];
/** A commit that returned early and is lost is told by a statement, and once more by `durable()`. */
const FAILURES_MAX = { inTime: 1, early: 2 } as const;

/** @param before what the volume may have held when the page began */
export function survivalProblems(
  trial: Trial,
  messages: readonly Message[],
  before: Bounds,
): Problem[] {
  const end = messages.findIndex(({ kind }) => kind === 'bereft');
  const bereft = messages[end]?.data as MessageOf<'bereft'> | undefined;
  if (!bereft) return [problem('the page did not come so far as to tell')];
  const bounds = boundsAfter(trial, messages.slice(0, end), before);
  return [
    ...stateProblems(bereft.state, bounds),
    ...bereft.failures.flatMap(unclear),
    ...(bereft.storage === 'gone'
      ? withoutStorage(bereft)
      : withStorage(trial, messages, { bereft, end })),
  ];
}

/** Nothing can be written any more, and whoever tries is told. */
function withoutStorage({ failures }: Survival): Problem[] {
  if (failures.at(-1)?.doing === 'a step') return [];
  return [problem('a step was acknowledged that nobody could store')];
}

/** Only what was under way may have failed; what followed works. */
function withStorage(
  trial: Trial,
  messages: readonly Message[],
  { bereft, end }: { readonly bereft: Survival; readonly end: number },
): Problem[] {
  const survived = messages.find(({ kind }) => kind === 'survived')?.data as
    | MessageOf<'survived'>
    | undefined;
  if (!bereft.state || !survived) return [problem('the page did not go on')];
  const problems = stateProblems(survived.state, exactly(lastBegun(messages)));
  const most = returnsEarly(trial) ? FAILURES_MAX.early : FAILURES_MAX.inTime;
  const { length } = survived.failures;
  if (length > most) problems.push(problem(`${length} calls failed`));
  const wasOpen = messages.slice(0, end).some(({ kind }) => kind === 'begin');
  if (wasOpen && survived.healed === 0) {
    problems.push(problem('nobody was told that the connection healed'));
  }
  return problems;
}

function exactly(steps: number): Bounds {
  return { least: steps, most: steps };
}

/** What was begun before the loss and is not there was begun again. */
function lastBegun(messages: readonly Message[]): number {
  const begun = messages.findLast(({ kind }) => kind === 'begin')?.data as
    | MessageOf<'begin'>
    | undefined;
  return begun?.step ?? 0;
}

function stateProblems(state: State | undefined, bounds: Bounds): Problem[] {
  if (!state) return [];
  const wrong = beyond(state.found, bounds);
  const broken = state.integrity.filter((answer) => answer !== 'ok');
  const texts = [...broken, ...state.differences];
  return [...(wrong === undefined ? [] : [wrong]), ...texts].map(problem);
}

function unclear({ doing, message, codes }: CallFailure): Problem[] {
  if (codes.length > 0 && codes.every((code) => CLEAR.includes(code))) return [];
  const told = codes.join() || 'none';
  return [problem(`${doing} failed without a clear error: ${message} (told: ${told})`)];
}

function problem(text: string): Problem {
  return { check: 'survives', text };
}

/** In few words, for the report. */
export function survivalOf(messages: readonly Message[]): string | undefined {
  const told = messages.findLast(({ kind }) => kind === 'survived' || kind === 'bereft');
  if (!told) return undefined;
  const { storage, failures } = told.data as Survival;
  const failed = failures.map(({ doing, codes }) => `${doing} failed: ${codes.join(' ')}`);
  return [`storage ${storage}`, ...(failed.length > 0 ? failed : ['no call failed'])].join(', ');
}
