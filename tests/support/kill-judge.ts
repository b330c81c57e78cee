/**
 * Judges what a kill left: from what the page said before it died, what the next page saw, and what
 * native SQLite makes of the exported bytes, to the list of checks that failed. Pure.
 */
import type { CommitRange } from '../../tools/idb-trace.ts';
import type { Message } from '../../tools/message-log.mjs';
import type { RawVolume } from '../../tools/raw-volume.ts';
import { returnsEarly } from './kill-engines.ts';
import { SHAPES } from './kill-model.ts';
import type { NativeFound } from './kill-native.ts';
import {
  CHECKS,
  type Check,
  type Inspection,
  type MessageOf,
  type Point,
  type State,
  type Trial,
} from './kill-plan.ts';

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** One of the eight checks, or the run before the kill or the page's life after it, which failed. */
export interface Problem {
  readonly check: Check | 'run' | 'survives';
  readonly text: string;
}

export interface Evidence {
  readonly trial: Trial;
  readonly bounds: Bounds;
  readonly inspection: Inspection;
  /** Commits that shared an idbTx, as far as the last page told of them. */
  readonly groups: readonly CommitRange[];
  /** By path. */
  readonly exports: ReadonlyMap<string, NativeFound>;
}

/** Every check that did not hold. */
export function judge(evidence: Evidence): Problem[] {
  const { failed } = evidence.inspection;
  const reached = failed ? CHECKS.slice(0, CHECKS.indexOf(failed.check)) : CHECKS;
  const problems = reached.flatMap((check) =>
    JUDGES[check](evidence).map((text): Problem => ({ check, text })),
  );
  return failed ? [...problems, { check: failed.check, text: failed.error }] : problems;
}

const JUDGES: Readonly<Record<Check, (evidence: Evidence) => string[]>> = {
  opens: ({ inspection: { state } }) => (state ? [] : ['nothing was read']),
  integrity: ({ inspection: { state } }) => broken(state),
  invariant: ({ inspection: { state } }) => [...(state?.differences ?? [])],
  version: versionProblems,
  verify: verifyProblems,
  idempotent: againProblems,
  commits: commitProblems,
  export: exportProblems,
};

function broken(state: State | undefined): string[] {
  return (state?.integrity ?? []).filter((answer) => answer !== 'ok');
}

function versionProblems({ bounds, inspection, groups }: Evidence): string[] {
  const { state, before, recoveries = [], recovered } = inspection;
  const problems: string[] = [];
  const wrong = state && beyond(state.found, bounds);
  if (wrong !== undefined) problems.push(wrong);
  for (const { path, version } of recoveries) {
    const marker = markerOf(recovered, path);
    if (marker !== version) {
      problems.push(`${path} recovered to version ${version}, its marker is ${marker}`);
    }
  }
  problems.push(...groups.flatMap((group) => tornGroup(group, recovered)));
  const orphans = total(before?.segmentsAbove);
  const told = recoveries.some(({ foundAbove }) => foundAbove);
  if (told !== orphans > 0) problems.push(`${orphans} orphans, but recovery said ${told}`);
  return problems;
}

/** An idbTx is there or it is not: a marker amid its commits is neither. */
function tornGroup({ file, first, last }: CommitRange, recovered: RawVolume | undefined): string[] {
  const marker = recovered?.markers[file] ?? 0;
  if (marker < first || marker >= last) return [];
  return [`of commits ${first} to ${last} of file ${file}, in one idbTx, the last is ${marker}`];
}

function verifyProblems({ inspection: { verified, recoveries = [], recovered } }: Evidence) {
  if (!verified) return ['verify() was not called'];
  const problems: string[] = [];
  for (const path of Object.keys(recovered?.files ?? {})) {
    if (!verified.some((report) => report.path === path)) problems.push(`${path} was not verified`);
  }
  for (const { path, version, defects, pendingSegments, unlistedSegments } of verified) {
    problems.push(...defects.map((defect) => `${path}: ${defect}`));
    const marker = markerOf(recovered, path);
    if (version !== marker)
      problems.push(`${path} verified at ${version}, its marker is ${marker}`);
    // The dead page's lock may outlive it for a moment: then the orphans are left to the next writer.
    const left = recoveries.some((r) => r.path === path && r.foundAbove && !r.deletedAbove);
    if (pendingSegments > 0 && !left) problems.push(`${path}: ${pendingSegments} orphans stayed`);
    if (unlistedSegments > 0) problems.push(`${path}: ${unlistedSegments} segments nobody names`);
  }
  return problems;
}

function againProblems({ inspection: { again, state } }: Evidence): string[] {
  if (!again || !state) return ['it was not recovered again'];
  const problems: string[] = [];
  const [before, after] = again.digests;
  if (before !== after) problems.push('recovering again changed records');
  if (again.found !== state.found) {
    problems.push(`recovering again found ${again.found} steps instead of ${state.found}`);
  }
  if (again.recoveries.some(({ foundAbove }) => foundAbove)) {
    problems.push('recovering again found orphans');
  }
  return problems;
}

function commitProblems({ inspection: { state, next, after } }: Evidence): string[] {
  if (!next || !state) return ['no further step was made'];
  const problems = [...broken(next), ...next.differences];
  if (next.found !== state.found + 1) {
    problems.push(`one more step than ${state.found} made ${next.found}`);
  }
  const left = total(after?.segmentsAbove);
  if (left > 0) problems.push(`${left} orphans outlive the next writer`);
  return problems;
}

function exportProblems({ trial, inspection: { exported = [] }, exports }: Evidence): string[] {
  return SHAPES[trial.workload].paths.flatMap((path) => {
    const found = exported.includes(path) ? exports.get(path) : undefined;
    if (!found) return [`${path} was not exported`];
    const { integrity, differences } = found;
    const problems = integrity === 'ok' ? [] : [`integrity: ${integrity}`];
    return [...problems, ...differences].map((problem) => `${path} in native SQLite: ${problem}`);
  });
}

function markerOf(volume: RawVolume | undefined, path: string): number {
  const file = volume?.files[path];
  return file === undefined ? 0 : (volume?.markers[file] ?? 0);
}

/** Says what is wrong with so many steps. */
export function beyond(steps: number, { least, most }: Bounds): string | undefined {
  if (steps < least) return `lost acknowledged steps: ${least} acknowledged, ${steps} found`;
  return steps > most ? `more steps than begun: ${most} begun, ${steps} found` : undefined;
}

/** What may be found, from what the page said. */
export function boundsAfter(trial: Trial, messages: readonly Message[], before: Bounds): Bounds {
  let { least, most } = before;
  for (const { kind, data } of messages) {
    const { step = 0, steps = 0 } = data as { step?: number; steps?: number };
    if (kind === 'ready') least = Math.max(least, steps);
    if (kind === 'begin') most = Math.max(most, step);
    if (kind === 'ack') least = Math.max(least, step);
    if (kind === 'held' || kind === 'trace') {
      if (proves(trial, data as MessageOf<'held'>)) least = Math.max(least, step);
    }
  }
  return { least, most: Math.max(least, most) };
}

/** There, the page's step had completed, though it could not say so any more. */
function proves(trial: Trial, { name }: Point): boolean {
  if (returnsEarly(trial)) return false;
  return name === 'step:committed' || name === 'commit:complete';
}

/** Points that the page told of, in their order; it was held at the last one, or went on. */
export function pointsOf(messages: readonly Message[]): Point[] {
  return messages
    .filter(({ kind }) => kind === 'trace' || kind === 'held')
    .map(({ data }) => data as Point)
    .sort((a, b) => a.sequence - b.sequence);
}

/** Commits of one file in an idbTx. */
export function groupSize(commits: readonly CommitRange[]): number {
  return Math.max(0, ...commits.map(({ first, last }) => last - first + 1));
}

/** Where the kill hit: the last point that the page told of. */
export function phaseOf(messages: readonly Message[]): string {
  const held = messages.find(({ kind }) => kind === 'held');
  if (held) return (held.data as Point).name;
  const last = pointsOf(messages).at(-1);
  if (!last && messages.some(({ kind }) => kind === 'done')) return 'after the last step';
  return last === undefined ? 'before the first step' : `after ${last.name}`;
}

export function total(counts: Readonly<Record<number, number>> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}
