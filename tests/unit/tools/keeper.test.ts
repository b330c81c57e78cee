import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createKeeper } from '../../../tools/keeper.mjs';

// Goal: a page that a browser is told to open is opened, once, though the browser may forget it.
// Method: the keeper's routes are asked as its page and the browser ask them, by a clock that is set by hand.

const URL_OF_PAGE = 'http://127.0.0.1:1/page?plan=1';
const NEXT = '/__host/next-page';
const OPENING = '/__host/opening';
/** Longer than a browser may take to ask for a page. */
const LONG_MS = 5001;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function keeperThatRuns() {
  const keeper = createKeeper(() => [7]);
  const ask = (route: string, url = '/') => {
    const answers: unknown[] = [];
    const response = {
      once: () => response,
      setHeader: () => response,
      writeHead: (status: number, headers: object = {}) => {
        answers.push(status, headers);
        return response;
      },
      end: (body?: string) => {
        if (body !== undefined) answers.push(body);
      },
    };
    keeper.routes[route]?.({ url } as IncomingMessage, response as unknown as ServerResponse);
    return answers;
  };
  const start = keeper.start(URL_OF_PAGE);
  return { keeper, ask, start };
}

describe('the page that opens pages', () => {
  test('is of another site, and told of a page when it asks', () => {
    const { ask, start } = keeperThatRuns();
    expect(start).toBe('http://localhost:1/__host/keeper');
    expect(ask(NEXT)).toEqual(['http://127.0.0.1:1/__host/opening/1']);
    expect(ask(OPENING, '/1')).toEqual([302, expect.objectContaining({ Location: URL_OF_PAGE })]);
  });

  test('is told of a page once, however late it comes', async () => {
    const { ask } = keeperThatRuns();
    await vi.advanceTimersByTimeAsync(3 * LONG_MS);
    expect(ask(NEXT)).toHaveLength(1);
    expect(ask(NEXT)).toEqual([]);
  });

  test('is told again of a page that the browser has forgotten; it is shown once', async () => {
    const { ask } = keeperThatRuns();
    ask(NEXT);
    const second = ask(NEXT);
    expect(second).toEqual([]);
    await vi.advanceTimersByTimeAsync(LONG_MS);
    expect(second).toEqual(['http://127.0.0.1:1/__host/opening/1']);
    expect(ask(OPENING, '/1')[0]).toBe(302);
    expect(ask(OPENING, '/1')).toEqual([204, {}]);
  });

  test('is not told again of a page that was asked for, nor of an earlier browser’s', async () => {
    const { keeper, ask } = keeperThatRuns();
    ask(NEXT);
    ask(OPENING, '/1');
    await keeper.open(`${URL_OF_PAGE}2`);
    keeper.start(`${URL_OF_PAGE}3`);
    expect(ask(NEXT)).toEqual(['http://127.0.0.1:1/__host/opening/3']);
    ask(OPENING, '/3');
    const idle = ask(NEXT);
    await vi.advanceTimersByTimeAsync(3 * LONG_MS);
    expect(idle).toEqual([]);
  });

  test('is spared: what ran when it first asked', () => {
    const { keeper, ask } = keeperThatRuns();
    expect(keeper.spared()).toEqual([]);
    ask(NEXT);
    expect(keeper.spared()).toEqual([7]);
  });
});
