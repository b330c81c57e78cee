/**
 * CPU profiles of the workers of a step, through Chromium's debugging port: which functions the time went
 * to, themselves and not what they called.
 *
 * A worker is held at its start until its profiler runs, and so are the workers it starts. The page holds
 * each step's workers until their profiles are taken.
 */
import { chromium } from 'playwright';
import { debuggingPort } from '../tools/new-tab.mjs';

const INTERVAL_US = 100;
const FUNCTIONS = 30;
const STOP_TIMEOUT_MS = 5000;
const US_PER_MS = 1000;

/** @typedef {{ worker: string, ms: number, functions: { name: string, ms: number }[] }} WorkerProfile */
/**
 * @typedef {{ id?: number, result?: unknown, method?: string, params?: Record<string, any> }} Message
 * @typedef {(method: string, params?: object) => Promise<any>} Send
 * @typedef {{ functionName: string, url: string, lineNumber: number }} Frame
 * @typedef {object} Profile
 * @property {readonly { id: number, callFrame: Frame }[]} nodes
 * @property {readonly number[]} samples
 * @property {readonly number[]} timeDeltas
 */

/** A worker, reached through whoever started it. */
class WorkerTarget {
  /** @type {Map<number, (result: unknown) => void>} */
  #waiting = new Map();
  #nextId = 1;
  /** @param {string} url @param {(message: string) => unknown} post */
  constructor(url, post) {
    this.url = url;
    this.post = post;
    this.children = new Children((method, params) => this.send(method, params));
  }

  /** @type {Send} */
  send(method, params = {}) {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.post(JSON.stringify({ id, method, params }));
    });
  }

  /** @param {Message} message */
  receive(message) {
    if (message.id === undefined) return this.children.hear(message);
    this.#waiting.get(message.id)?.(message.result);
    this.#waiting.delete(message.id);
  }

  async start() {
    await this.children.follow();
    await this.send('Profiler.enable');
    await this.send('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await this.send('Profiler.start');
    await this.send('Runtime.runIfWaitingForDebugger');
  }

  /** @returns {Promise<Profile | undefined>} none from a worker that is blocked for good */
  async stop() {
    const timeout = new Promise((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS));
    return (await Promise.race([this.send('Profiler.stop'), timeout]))?.profile;
  }
}

/** The workers that one page or worker has started. */
class Children {
  /** @type {Map<string, WorkerTarget>} */
  #workers = new Map();
  /** @param {Send} send to whoever starts them */
  constructor(send) {
    this.send = send;
  }

  follow() {
    const options = { autoAttach: true, waitForDebuggerOnStart: true, flatten: false };
    return this.send('Target.setAutoAttach', options);
  }

  /** @param {Message} message */
  hear({ method, params = {} }) {
    const { sessionId } = params;
    if (method === 'Target.attachedToTarget' && params['targetInfo'].type === 'worker') {
      const post = (/** @type {string} */ message) =>
        this.send('Target.sendMessageToTarget', { sessionId, message });
      const worker = new WorkerTarget(params['targetInfo'].url, post);
      this.#workers.set(sessionId, worker);
      void worker.start();
    } else if (method === 'Target.receivedMessageFromTarget') {
      this.#workers.get(sessionId)?.receive(JSON.parse(params['message']));
    } else if (method === 'Target.detachedFromTarget') {
      this.#workers.delete(sessionId);
    }
  }

  /** @returns {WorkerTarget[]} with theirs, and so on */
  all() {
    return [...this.#workers.values()].flatMap((worker) => [worker, ...worker.children.all()]);
  }
}

/** @param {string} profileDir of a browser with a debugging port, and one page */
export async function startProfiler(profileDir) {
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${debuggingPort(profileDir)}`);
  const page = browser.contexts()[0]?.pages()[0];
  if (!page) throw new Error('The browser has no page to profile');
  const session = await page.context().newCDPSession(page);
  const send = /** @type {Send} */ (session.send.bind(session));
  const children = new Children((method, params) => send(method, params).catch(() => {}));
  for (const method of /** @type {const} */ ([
    'Target.attachedToTarget',
    'Target.receivedMessageFromTarget',
    'Target.detachedFromTarget',
  ])) {
    session.on(method, (params) => children.hear({ method, params }));
  }
  await children.follow();
  return {
    /** Lets the page go on. */
    goOn: () => page.evaluate('goOn()'),
    /** What the workers did since they were started. @returns {Promise<WorkerProfile[]>} */
    async take() {
      const taken = [];
      for (const worker of children.all()) {
        const profile = await worker.stop();
        if (profile) taken.push(hottestOf(worker.url, profile));
      }
      return taken;
    },
    close: () => browser.close(),
  };
}

/** @param {string} url @param {Profile} profile @returns {WorkerProfile} */
function hottestOf(url, { nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  /** @type {Map<string, number>} */
  const times = new Map();
  samples.forEach((id, i) => {
    const frame = /** @type {Frame} */ (frames.get(id));
    const name = `${frame.functionName || '(anonymous)'} ${nameOf(frame.url)}:${frame.lineNumber + 1}`;
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  });
  const totalUs = [...times.values()].reduce((sum, us) => sum + us, 0);
  const hottest = [...times].sort(([, a], [, b]) => b - a).slice(0, FUNCTIONS);
  return {
    worker: nameOf(url),
    ms: totalUs / US_PER_MS,
    functions: hottest.map(([name, us]) => ({ name, ms: us / US_PER_MS })),
  };
}

/** @param {readonly WorkerProfile[]} profiles */
export function printProfiles(profiles) {
  for (const { worker, ms: totalMs, functions } of profiles) {
    console.log(`${worker}: ${totalMs.toFixed(0)} ms`);
    for (const { name, ms } of functions) {
      const share = `${((100 * ms) / totalMs).toFixed(1)} %`;
      console.log(`  ${ms.toFixed(1).padStart(9)} ms ${share.padStart(7)}  ${name}`);
    }
  }
}

/** @param {string} url */
function nameOf(url) {
  return url.split('/').at(-1)?.split('?')[0] ?? url;
}
