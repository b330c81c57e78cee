/**
 * Asks the holder of a lock for it, again and again, and tells when it has been silent for too long.
 *
 *   I9  It is taken for dead when `limitMs` have passed since the first ask that nobody answered.
 *
 * Time is counted from ask to ask, and a gap counts a quarter of the limit at most: a context that was
 * frozen itself, or whose timers are slowed down, asks several times more before it judges. Between two
 * attempts the asking goes on for `limitMs`, so that attempts shorter than the limit add up.
 *
 *   quiet ──begin──▶ asking ──limit──▶ silent: each attempt is told, also one that begins now
 *     ▲                │ ▲                │
 *     │                └─┴──────heard─────┘
 *     └──no attempt for `limitMs`, or stop──┘
 */
import type { Timer } from '../timer.js';

const ASKS = 20;
const ASK_MS_MIN = 50;
const ASK_MS_MAX = 250;
const GAPS_MIN = 4;

export interface SilenceDeps {
  readonly limitMs: number;
  readonly timer: Timer;
  readonly monotonicMs: () => number;
  readonly ask: () => void;
}

export class Silence {
  readonly #deps: SilenceDeps;
  /** Attempts under way: what each is told by when the holder is silent. */
  readonly #attempts: Set<() => void> = new Set();
  #silentMs = 0;
  #unusedMs = 0;
  #askedMs = 0;
  #callOff: (() => void) | undefined;

  constructor(deps: SilenceDeps) {
    this.#deps = deps;
  }

  /** Milliseconds from one ask to the next. */
  get askMs(): number {
    return Math.min(ASK_MS_MAX, Math.max(ASK_MS_MIN, this.#deps.limitMs / ASKS));
  }

  get isSilent(): boolean {
    return this.#silentMs >= this.#deps.limitMs;
  }

  /**
   * An attempt begins, and asks.
   * @param afterMs time to pass before the first ask, if nobody asks yet
   * @returns ends the attempt
   */
  begin(onSilent: () => void, afterMs: number): () => void {
    this.#attempts.add(onSilent);
    if (this.#callOff) this.#deps.ask();
    else if (afterMs > 0) this.#callOff = this.#deps.timer(afterMs, () => this.#ask());
    else this.#ask();
    if (this.isSilent) onSilent();
    return () => this.#attempts.delete(onSilent);
  }

  /** The holder has given a sign of life. */
  heard(): void {
    this.#silentMs = 0;
  }

  /** There is nothing to ask for any more. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#silentMs = 0;
    this.#unusedMs = 0;
  }

  #ask(): void {
    this.#deps.ask();
    this.#askedMs = this.#deps.monotonicMs();
    this.#callOff = this.#deps.timer(this.askMs, () => this.#tick());
  }

  #tick(): void {
    const { limitMs, monotonicMs } = this.#deps;
    const gapMs = Math.min(monotonicMs() - this.#askedMs, limitMs / GAPS_MIN);
    this.#silentMs += gapMs;
    this.#unusedMs = this.#attempts.size > 0 ? 0 : this.#unusedMs + gapMs;
    if (this.#unusedMs >= limitMs) {
      this.stop();
      return;
    }
    this.#ask();
    if (this.isSilent) for (const onSilent of [...this.#attempts]) onSilent();
  }
}
