/**
 * Opens pages in a browser that nobody can ask for one: a page of another site, which therefore has a
 * process of its own, asks this server what to open next, and outlives those pages.
 */
const KEEPER_PATH = '/__host/keeper';
const NEXT_PATH = '/__host/next-page';
const PAUSE_MS = 50;

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
  /** @type {string[]} */
  let wanted = [];
  /** @type {import('node:http').ServerResponse | undefined} */
  let asking;
  /** @type {readonly number[] | undefined} of the keeper itself; undefined until it runs */
  let own;

  const answer = () => {
    const url = asking && wanted.shift();
    if (!asking || url === undefined) return;
    asking.end(url);
    asking = undefined;
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
    },
    start(url) {
      wanted = [url];
      own = undefined;
      const keeper = new URL(KEEPER_PATH, url);
      keeper.hostname = 'localhost';
      return keeper.href;
    },
    async open(url) {
      wanted.push(url);
      answer();
    },
    spared: () => own ?? [],
  };
}
