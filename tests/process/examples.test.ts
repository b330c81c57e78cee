import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BrowserContext, chromium } from 'playwright';
import { build, preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import webpack from 'webpack';
import { CHROMIUM_FLAGS } from '../../tools/chromium-flags.mjs';
import { findChromium } from '../../tools/find-browser.mjs';
import { createProfileDir } from '../../tools/profile-dir.mjs';
import { ISOLATION_HEADERS } from '../../tools/serving.mjs';

// Goal: each example works, on what is published. Method: pack the package, unpack it beside a copy of the
// examples, build each with its own tool, and open it twice in a browser: the second time it counts on.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = join(REPOSITORY, 'node_modules');
/** What has not come by now does not come, however busy the machine is. */
const PATIENCE_MS = 120_000;
/** Inside the repository, where the bundlers and peers of the examples are found. */
const root = mkdtempSync(join(PACKAGES, '.cache/examples-'));
let context: BrowserContext;

beforeAll(async () => {
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: REPOSITORY, encoding: 'utf8' });
  run('npm', 'run', 'build');
  const name = run('npm', 'pack', '--silent', '--pack-destination', root).trim();
  const ours = join(root, 'node_modules/idb-block-vfs');
  mkdirSync(ours, { recursive: true });
  run('tar', '-xzf', join(root, name), '-C', ours, '--strip-components=1');
  // The example without a bundler asks the server for these.
  for (const peer of ['idb', '@journeyapps/wa-sqlite']) {
    cpSync(join(PACKAGES, peer), join(root, 'node_modules', peer), { recursive: true });
  }
  cpSync(join(REPOSITORY, 'examples'), root, { recursive: true });
  context = await chromium.launchPersistentContext(createProfileDir('examples'), {
    executablePath: await findChromium({ log: () => undefined }),
    args: [...CHROMIUM_FLAGS],
  });
}, 240_000);
afterAll(async () => {
  await context?.close();
  rmSync(root, { recursive: true, force: true });
});

/** What a page says once it has counted. */
async function visit(browser: BrowserContext, href: string): Promise<string> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => problems.push(message.text()));
  await page.goto(href);
  const text = page.getByText(/Visit number \d+/);
  await text.waitFor().catch((error: Error) => {
    throw new Error(`${error.message}\n${problems.join('\n')}`);
  });
  const said = (await page.textContent('body'))?.trim() ?? '';
  await page.close();
  return said;
}

/** What the page at `path` of a folder says, on two visits. */
async function visits(folder: string, path = '/'): Promise<string[]> {
  const server = await preview({
    root: folder,
    build: { outDir: folder },
    appType: 'mpa',
    logLevel: 'silent',
    preview: { host: '127.0.0.1', port: 0, headers: ISOLATION_HEADERS },
  });
  const said: string[] = [];
  try {
    const { href } = new URL(path, server.resolvedUrls?.local[0]);
    for (const _ of [1, 2]) said.push(await visit(context, href));
  } finally {
    await server.close();
  }
  return said;
}

async function withVite(example: string): Promise<string> {
  const folder = join(root, example);
  await build({ root: folder, base: './', logLevel: 'error', build: { target: 'esnext' } });
  return join(folder, 'dist');
}

async function withWebpack(example: string): Promise<string> {
  const folder = join(root, example);
  const config = await import(
    /* @vite-ignore */ pathToFileURL(join(folder, 'webpack.config.js')).href
  );
  await new Promise<void>((resolve, reject) => {
    webpack(config.default, (error, stats) => {
      if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString('errors-only')));
      else resolve();
    });
  });
  cpSync(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  return join(folder, 'dist');
}

async function withEsbuild(example: string): Promise<string> {
  const folder = join(root, example);
  execFileSync(process.execPath, [join(folder, 'build.js')], { encoding: 'utf8' });
  return join(folder, 'dist');
}

const COUNTS = ['Visit number 1', 'Visit number 2'];

test('plain ES modules, without a bundler', async () => {
  expect(await visits(root, '/plain/index.html')).toEqual(COUNTS);
});

test('Vite, in a worker, with the shared engine', async () => {
  const found = await visits(await withVite('vite'));
  expect(found).toEqual(COUNTS.map((text) => `${text}, IDBBlockSharedVFS`));
});

test('webpack', async () => {
  expect(await visits(await withWebpack('webpack'))).toEqual(COUNTS);
});

test('esbuild', async () => {
  expect(await visits(await withEsbuild('esbuild'))).toEqual(COUNTS);
});

test.each(['shared-worker', 'service-worker', 'kysely', 'drizzle'])('%s', async (example) => {
  expect(await visits(await withVite(example))).toEqual(COUNTS);
});

// Goal: an extension's service worker has a database. Method: a browser of its own that loads it; its page
// asks the service worker, twice.
test('extension', async () => {
  const folder = await withVite('extension');
  const flags = CHROMIUM_FLAGS.filter((flag) => flag !== '--disable-extensions');
  const browser = await chromium.launchPersistentContext(createProfileDir('extension'), {
    executablePath: await findChromium({ log: () => undefined }),
    ignoreDefaultArgs: ['--disable-extensions'],
    args: [...flags, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
  });
  try {
    const worker = browser.serviceWorkers()[0] ?? (await browser.waitForEvent('serviceworker'));
    const { href } = new URL('index.html', worker.url());
    expect([await visit(browser, href), await visit(browser, href)]).toEqual(COUNTS);
  } finally {
    await browser.close();
  }
});
