/**
 * Runs kill trials in a real browser and has what each of them left judged.
 *
 *   open page: inspect the last trial, begin this one ──▶ SIGKILL at its moment ──▶ next page …
 *
 * What the page said before it died is the evidence: a step counts as acknowledged when its message
 * came, as begun when that was announced. A recovered database must be between the two.
 */
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import { Exports } from './kill-exports.ts';
import { Inbox, sleep, type TimedMessage } from './kill-inbox.ts';
import {
  type Bounds,
  beyond,
  boundsAfter,
  judge,
  type Problem,
  phaseOf,
  pointsOf,
  total,
} from './kill-judge.ts';
import {
  EXPORT_ROUTE,
  type Inspection,
  type MessageOf,
  type PagePlan,
  type Point,
  type RecoveryFound,
  type Trial,
} from './kill-plan.ts';
import { survivalOf, survivalProblems } from './kill-survival.ts';

/** The module of the page that trials run in. */
export const KILL_PAGE = 'tests/support/pages/kill.ts';

export interface Outcome {
  readonly trial: Trial;
  /** Where the kill hit: the last point that the page told of. */
  readonly phase: string;
  /** That point; undefined if the page told of none. */
  readonly last: Point | undefined;
  readonly bounds: Bounds;
  /** Steps found; undefined if the database could not be read. */
  readonly found: number | undefined;
  /** Segments found above the commit marker before the database was opened. */
  readonly orphans: number;
  readonly recoveries: readonly RecoveryFound[];
  /** How its page outlived the process of IndexedDB; undefined if something else was killed. */
  readonly survival: string | undefined;
  /** What is wrong; empty if every promise held. */
  readonly problems: readonly Problem[];
}

/** All that is known of a trial that broke a promise. */
export interface Evidence {
  readonly trial: Trial;
  readonly problems: readonly Problem[];
  /** Of this trial, and of those on its volume that nothing was judged after. */
  readonly messages: readonly TimedMessage[];
}

export interface RunnerOptions {
  /** Default: chromium. */
  readonly browser?: BrowserName;
  /** More command line flags for it. */
  readonly flags?: readonly string[];
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The page's module, bundled. Default: the source, in some hundred files. */
  readonly page?: { readonly root: string; readonly entry: string };
  readonly onViolation?: (evidence: Evidence) => void;
}

type Host = Awaited<ReturnType<typeof startHost>>;

export class KillRunner {
  readonly #host: Host;
  readonly #inbox: Inbox;
  readonly #exports: Exports;
  readonly #page: string;
  readonly #onViolation: (evidence: Evidence) => void;
  /** Of each volume, while it is not known exactly how many steps are there. */
  readonly #bounds: Map<string, Bounds> = new Map();
  /** Of each volume, what was wrong before an inspection could tell. */
  readonly #suspicions: Map<string, Problem[]> = new Map();

  private constructor(
    host: Host,
    parts: {
      readonly inbox: Inbox;
      readonly exports: Exports;
      readonly page: string;
      readonly onViolation: (evidence: Evidence) => void;
    },
  ) {
    this.#host = host;
    this.#inbox = parts.inbox;
    this.#exports = parts.exports;
    this.#page = parts.page;
    this.#onViolation = parts.onViolation;
  }

  static async start({
    browser = 'chromium',
    flags = [],
    env = {},
    page,
    onViolation = () => {},
  }: RunnerOptions = {}): Promise<KillRunner> {
    const inbox = new Inbox();
    const exports = new Exports();
    const host = await startHost({
      tabs: true,
      browser,
      flags,
      env,
      ...(page && { root: page.root }),
      routes: { [EXPORT_ROUTE]: (request, response) => exports.receive(request, response) },
      onMessage: (message) => inbox.add(message),
    });
    const entry = page?.entry ?? KILL_PAGE;
    return new KillRunner(host, { inbox, exports, page: entry, onViolation });
  }

  get profileDir(): string {
    return this.#host.profileDir;
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
    let discard: string[] = [];
    for (const [i, run] of [...trials, undefined].entries()) {
      const inspect = killed?.trial.inspect ? killed : undefined;
      if (!inspect && !run) break;
      await this.#open(
        { inspect: inspect?.trial, discard, run },
        killed !== undefined && killed.trial.victim !== 'browser',
      );
      discard = [];
      if (inspect) {
        const outcome = await this.#inspected(inspect);
        outcomes.push(outcome);
        onOutcome(outcome);
        const before = trials.slice(0, i);
        this.#putAway(
          outcome,
          before.filter(({ volume }) => volume === inspect.trial.volume),
        );
        const { volume } = inspect.trial;
        const isUsedAgain = trials.slice(i).some((later) => later.volume === volume);
        if (outcome.problems.length === 0 && !isUsedAgain) discard.push(volume);
        // A page that failed to inspect does not go on to the next trial.
        if (outcome.found === undefined) await this.#restart(run);
      }
      if (run) killed = { trial: run, phase: await this.#kill(run) };
    }
    await this.#host.kill();
    return outcomes;
  }

  async #open(plan: PagePlan, inRunningBrowser: boolean): Promise<void> {
    const page = modulePage(this.#page, { plan: JSON.stringify(plan) });
    if (inRunningBrowser) await this.#host.openTab(page);
    else this.#host.open(page);
  }

  async #restart(run: Trial | undefined): Promise<void> {
    await this.#host.kill();
    if (run) await this.#open({ inspect: undefined, discard: [], run }, false);
  }

  /** Kills the page at the trial's moment. @returns where that hit it */
  async #kill(trial: Trial): Promise<string> {
    try {
      const stopped = this.#inbox.waitForOneOf(trial, ['held', 'done']);
      if (trial.kill.at === 'time') {
        const { ms } = trial.kill;
        const ready = this.#inbox.waitFor(trial, 'ready');
        await Promise.race([ready.then(() => sleep(ms)), stopped]);
        stopped.catch(() => {});
      } else {
        await stopped;
      }
    } catch (error) {
      this.#suspect(trial, String(error));
    }
    await this.#end(trial);
    const messages = this.#inbox.of(trial);
    this.#compareReady(trial);
    this.#bounds.set(trial.volume, boundsAfter(trial, messages, this.#boundsOf(trial)));
    return phaseOf(messages);
  }

  #end(trial: Trial): Promise<void> {
    switch (trial.victim) {
      case 'browser':
        return this.#host.kill();
      case 'renderer':
        return this.#host.killPages();
      case 'network':
        return this.#bereave(trial);
      case 'tab':
        return this.#host.closePages();
    }
  }

  /** Kills the process of IndexedDB, and the page when it has shown how it goes on. */
  async #bereave(trial: Trial): Promise<void> {
    await this.#host.killNetwork();
    try {
      const { storage, state } = await this.#inbox.waitFor(trial, 'bereft');
      if (storage === 'there' && state) await this.#inbox.waitFor(trial, 'survived');
    } catch (error) {
      this.#suspect(trial, String(error));
    }
    await this.#host.killPages();
    const problems = survivalProblems(trial, this.#inbox.of(trial), this.#boundsOf(trial));
    for (const problem of problems) this.#suspect(trial, problem);
  }

  #boundsOf({ volume }: Trial): Bounds {
    return this.#bounds.get(volume) ?? { least: 0, most: 0 };
  }

  #suspect({ volume }: Trial, what: string | Problem): void {
    const before = this.#suspicions.get(volume) ?? [];
    const problem: Problem = typeof what === 'string' ? { check: 'run', text: what } : what;
    this.#suspicions.set(volume, [...before, problem]);
  }

  /** A run that no inspection came before tells itself what it found. */
  #compareReady(trial: Trial): void {
    const ready = this.#inbox.of(trial).find(({ kind }) => kind === 'ready');
    const before = this.#bounds.get(trial.volume);
    if (!ready || !before) return;
    const { found } = ready.data as MessageOf<'ready'>;
    const wrong = beyond(found, before);
    if (wrong !== undefined) this.#suspect(trial, `before it began: ${wrong}`);
  }

  #putAway({ trial, problems }: Outcome, onVolume: readonly Trial[]): void {
    const messages = onVolume.flatMap((life) => this.#inbox.of(life));
    if (problems.length > 0) this.#onViolation({ trial, problems, messages });
    for (const life of onVolume) this.#inbox.drop(life);
  }

  async #inspected({ trial, phase }: Killed): Promise<Outcome> {
    const bounds = this.#boundsOf(trial);
    const suspicions = this.#suspicions.get(trial.volume) ?? [];
    const messages = this.#inbox.of(trial);
    const points = pointsOf(messages);
    const common = { trial, phase, bounds, last: points.at(-1), survival: survivalOf(messages) };
    let inspection: Inspection;
    try {
      inspection = await this.#inbox.waitFor(trial, 'inspected');
    } catch (error) {
      const problem: Problem = { check: 'opens', text: String(error) };
      const problems = [...suspicions, problem];
      return { ...common, found: undefined, orphans: 0, recoveries: [], problems };
    }
    const { state, before, next, recoveries = [] } = inspection;
    const exports = this.#exports.take(trial, state?.found ?? 0);
    const groups = points.flatMap(({ commits }) => commits);
    const problems = judge({ trial, bounds, inspection, groups, exports });
    // The inspection did one more step, to see that it can be done.
    if (next) this.#bounds.set(trial.volume, { least: next.found, most: next.found });
    return {
      ...common,
      found: inspection.failed ? undefined : state?.found,
      orphans: total(before?.segmentsAbove),
      recoveries,
      problems: [...suspicions, ...problems],
    };
  }
}

interface Killed {
  readonly trial: Trial;
  readonly phase: string;
}
