/**
 * Opens pages in a browser that nobody can ask for one: a page of another site, which therefore has a
 * process of its own, asks this server what to open next, and outlives those pages.
 */
const KEEPER_PATH = '/__host/keeper';
const NEXT_PATH = '/__host/next-page';
const OPENING_PATH = '/__host/opening';
const PAUSE_MS = 50;
/** A browser that has not asked for a page for so long has forgotten it, and is told again. */
const RETRY_MS = 5000;

/** Asking fails when the process behind the browser's network dies; there is another one soon. */
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>keeper</title>
<script type="module">
  for (;;) {
    try {
      const response = await fetch('${NEXT_PATH}', { method: 'POST' });
      if (response.ok) open(await response.text(), '_blank', 'noopener');
    } catch {
      await new Promise((resolve) => setTimeout(resolve, ${PAUSE_MS}));
    }
  }
</script>`;

/**
 * @param {() => readonly number[]} pages pids of the processes of the browser's pages now
 * @returns {Pick<import('./tabs.mjs').Tabs, 'routes' | 'start' | 'open' | 'spared'>}
 */
export function createKeeper(pages) {
  /** @type {Map<number, string>} pages to be opened, by number, until the browser asks for them */
  const openings = new Map();
  /** @type {number[]} of those, what the keeper is yet to be told of */
  let wanted = [];
  let last = 0;
  /** @type {import('node:http').ServerResponse | undefined} */
  let asking;
  /** @type {readonly number[] | undefined} of the keeper itself; undefined until it runs */
  let own;

  const answer = () => {
    const number = asking && wanted.shift();
    if (!asking || number === undefined) return;
    asking.end(new URL(`${OPENING_PATH}/${number}`, openings.get(number)).href);
    asking = undefined;
    // WebKit, when another page's process was killed a moment ago, may give a page to one that is gone.
    setTimeout(() => want(number), RETRY_MS).unref();
  };

  const want = (/** @type {number} */ number) => {
    if (!openings.has(number)) return;
    wanted.push(number);
    answer();
  };

  const open = (/** @type {string} */ url) => {
    last++;
    openings.set(last, url);
    want(last);
  };

  return {
    routes: {
      [KEEPER_PATH]: (_request, response) => {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(PAGE);
      },
      [NEXT_PATH]: (_request, response) => {
        // Before it has opened anything, it is the only page.
        own ??= pages();
        asking = response;
        response.once('close', () => {
          if (asking === response) asking = undefined;
        });
        answer();
      },
      // A page that was asked for twice is shown once.
      [OPENING_PATH]: (request, response) => {
        const number = Number(request.url?.slice(1));
        const url = openings.get(number);
        openings.delete(number);
        wanted = wanted.filter((other) => other !== number);
        if (url === undefined) response.writeHead(204).end();
        else response.writeHead(302, { Location: url, 'Cache-Control': 'no-store' }).end();
      },
    },
    start(url) {
      wanted = [];
      openings.clear();
      own = undefined;
      open(url);
      const keeper = new URL(KEEPER_PATH, url);
      keeper.hostname = 'localhost';
      return keeper.href;
    },
    open: async (url) => open(url),
    spared: () => own ?? [],
  };
}
