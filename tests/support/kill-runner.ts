/**
 * Runs kill trials in a real browser and judges what each of them left.
 *
 *   open page: inspect the last trial, begin this one ──▶ SIGKILL at its moment ──▶ next page …
 *
 * What the page said before it died is the evidence: a step counts as acknowledged when its message
 * came, as begun when that was announced. A recovered database must be between the two.
 */
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import type { Message } from '../../tools/message-log.mjs';
import type {
  Inspection,
  MessageKind,
  MessageOf,
  PagePlan,
  Point,
  RecoveryFound,
  Trial,
} from './kill-plan.ts';

const PAGE = 'tests/support/pages/kill.ts';
const PAGE_ERROR = 'page-error';
const WAIT_TIMEOUT_MS = 60_000;

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

export interface Outcome {
  readonly trial: Trial;
  /** Where the kill hit: the last point that the page told of. */
  readonly phase: string;
  readonly bounds: Bounds;
  /** Steps found; undefined if the database could not be read. */
  readonly found: number | undefined;
  /** Segments found above the commit marker before the database was opened. */
  readonly orphans: number;
  readonly recoveries: readonly RecoveryFound[];
  /** What is wrong; empty if every promise held. */
  readonly problems: readonly string[];
}

type Host = Awaited<ReturnType<typeof startHost>>;

export class KillRunner {
  readonly #host: Host;
  readonly #inbox: Inbox;
  /** Of each volume, while it is not known exactly how many steps are there. */
  readonly #bounds: Map<string, Bounds> = new Map();
  /** What was wrong before an inspection could tell. */
  readonly #suspicions: Map<string, string> = new Map();

  private constructor(host: Host, inbox: Inbox) {
    this.#host = host;
    this.#inbox = inbox;
  }

  static async start(): Promise<KillRunner> {
    const inbox = new Inbox();
    const host = await startHost({ tabs: true, onMessage: (message) => inbox.add(message) });
    return new KillRunner(host, inbox);
  }

  async close(): Promise<void> {
    await this.#host.close();
  }

  /** Runs the trials one after another; one start of the browser for each, and one more. */
  async run(
    trials: readonly Trial[],
    onOutcome: (outcome: Outcome) => void = () => {},
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let killed: Killed | undefined;
    for (const run of [...trials, undefined]) {
      const inspect = killed?.trial.inspect ? killed : undefined;
      if (!inspect && !run) break;
      await this.#open(
        { inspect: inspect?.trial, run },
        killed !== undefined && killed.trial.victim !== 'browser',
      );
      if (inspect) {
        const outcome = await this.#inspected(inspect);
        outcomes.push(outcome);
        onOutcome(outcome);
        // A page that failed to inspect does not go on to the next trial.
        if (outcome.found === undefined) await this.#restart(run);
      }
      if (run) killed = { trial: run, phase: await this.#kill(run) };
    }
    await this.#host.kill();
    return outcomes;
  }

  async #open(plan: PagePlan, inRunningBrowser: boolean): Promise<void> {
    const page = modulePage(PAGE, { plan: JSON.stringify(plan) });
    if (inRunningBrowser) await this.#host.openTab(page);
    else this.#host.open(page);
  }

  async #restart(run: Trial | undefined): Promise<void> {
    await this.#host.kill();
    if (run) await this.#open({ inspect: undefined, run }, false);
  }

  /** Kills the page at the trial's moment. @returns where that hit it */
  async #kill(trial: Trial): Promise<string> {
    const stopped = this.#inbox.waitForOneOf(trial, ['held', 'done']);
    if (trial.kill.at === 'time') {
      const { ms } = trial.kill;
      const ready = this.#inbox.waitFor(trial, 'ready');
      await Promise.race([ready.then(() => sleep(ms)), stopped]);
      stopped.catch(() => {});
    } else {
      await stopped;
    }
    await this.#end(trial.victim);
    const messages = this.#inbox.of(trial);
    this.#compareReady(trial, messages);
    this.#bounds.set(trial.volume, boundsAfter(messages, this.#boundsOf(trial)));
    return phaseOf(messages);
  }

  #end(victim: Trial['victim']): Promise<void> {
    switch (victim) {
      case 'browser':
        return this.#host.kill();
      case 'renderer':
        return this.#host.killPages();
      case 'tab':
        return this.#host.closePages();
    }
  }

  #boundsOf({ volume }: Trial): Bounds {
    return this.#bounds.get(volume) ?? { least: 0, most: 0 };
  }

  /** A run that no inspection came before tells itself what it found. */
  #compareReady(trial: Trial, messages: readonly Message[]): void {
    const ready = messages.find(({ kind }) => kind === 'ready');
    const before = this.#bounds.get(trial.volume);
    if (!ready || !before) return;
    const { steps } = ready.data as MessageOf<'ready'>;
    const wrong = beyond(steps, before);
    if (wrong !== undefined) this.#suspicions.set(trial.volume, `before it began: ${wrong}`);
  }

  async #inspected({ trial, phase }: Killed): Promise<Outcome> {
    const bounds = this.#boundsOf(trial);
    const suspicion = this.#suspicions.get(trial.volume);
    const problems = suspicion === undefined ? [] : [suspicion];
    const common = { trial, phase, bounds };
    let inspection: Inspection;
    try {
      inspection = await this.#inbox.waitFor(trial, 'inspected');
    } catch (error) {
      problems.push(String(error));
      return { ...common, found: undefined, orphans: 0, recoveries: [], problems };
    }
    const { found, before, after, recoveries } = inspection;
    const wrong = beyond(found, bounds);
    if (wrong !== undefined) problems.push(wrong);
    const orphans = total(before?.segmentsAbove);
    const told = recoveries.some(({ foundAbove }) => foundAbove);
    if (told !== orphans > 0) problems.push(`${orphans} orphans, but recovery said ${told}`);
    const left = total(after?.segmentsAbove);
    if (left > 0) problems.push(`${left} orphans outlive the next writer`);
    // The inspection did one more step, to see that it can be done.
    this.#bounds.set(trial.volume, { least: found + 1, most: found + 1 });
    problems.push(...inspection.problems);
    return { ...common, found, orphans, recoveries, problems };
  }
}

interface Killed {
  readonly trial: Trial;
  readonly phase: string;
}

/** Messages of trials, by trial: those of a dead page may come late. */
class Inbox {
  readonly #messages: Message[] = [];
  #wake: () => void = () => {};
  #changed: Promise<void> = Promise.resolve();

  constructor() {
    this.#renew();
  }

  #renew(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#wake();
    this.#renew();
  }

  of({ id }: Trial): Message[] {
    return this.#messages.filter(({ data }) => (data as { trial?: number } | null)?.trial === id);
  }

  async waitFor<K extends MessageKind>(trial: Trial, kind: K): Promise<MessageOf<K>> {
    return (await this.waitForOneOf(trial, [kind])).data as MessageOf<K>;
  }

  async waitForOneOf(trial: Trial, kinds: readonly MessageKind[]): Promise<Message> {
    const failuresBefore = this.#failures().length;
    const deadline = Date.now() + WAIT_TIMEOUT_MS;
    for (;;) {
      const found = this.of(trial).find(({ kind }) => kinds.some((wanted) => wanted === kind));
      if (found) return found;
      const failure = this.#failures()[failuresBefore];
      if (failure)
        throw new Error(`Trial ${describeTrial(trial)}: ${JSON.stringify(failure.data)}`);
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`Trial ${describeTrial(trial)}: no ${kinds.join(' or ')}`);
      await Promise.race([this.#changed, sleep(leftMs)]);
    }
  }

  #failures(): Message[] {
    return this.#messages.filter(({ kind }) => kind === PAGE_ERROR);
  }
}

export function describeTrial(trial: Trial): string {
  return JSON.stringify(trial);
}

/** How many ends hit each phase, most first. */
export function histogram(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { phase } of outcomes) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([phase, count]) => `${String(count).padStart(4)}  ${phase}`)
    .join('\n');
}

function beyond(steps: number, { least, most }: Bounds): string | undefined {
  if (steps < least) return `lost acknowledged steps: ${least} acknowledged, ${steps} found`;
  return steps > most ? `more steps than begun: ${most} begun, ${steps} found` : undefined;
}

function boundsAfter(messages: readonly Message[], before: Bounds): Bounds {
  let { least, most } = before;
  for (const { kind, data } of messages) {
    const { step = 0, steps = 0 } = data as { step?: number; steps?: number };
    if (kind === 'ready') least = most = steps;
    if (kind === 'begin') most = Math.max(most, step);
    if (kind === 'ack') least = Math.max(least, step);
    // Held there, the page had its COMMIT, though it could not say so any more.
    if (kind === 'held' && (data as Point).name === 'step:committed') least = most;
  }
  return { least, most };
}

function phaseOf(messages: readonly Message[]): string {
  const held = messages.find(({ kind }) => kind === 'held');
  if (held) return (held.data as Point).name;
  const points = messages.filter(({ kind }) => kind === 'trace').map(({ data }) => data as Point);
  points.sort((a, b) => a.sequence - b.sequence);
  const last = points.at(-1);
  return last === undefined ? 'before the first step' : `after ${last.name}`;
}

function total(counts: Readonly<Record<number, number>> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
