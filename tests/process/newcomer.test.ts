import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_FLAGS } from '../../tools/chromium-flags.mjs';
import { findChromium } from '../../tools/find-browser.mjs';
import { createProfileDir } from '../../tools/profile-dir.mjs';

// Goal: the start that the README shows works for someone who has nothing but an empty Vite project.
// Method: pack the package as it is published, install it there with the README's command, paste the
// README's program, and open it twice: the second time it counts on. With Vite's server for development,
// which bundles what is installed by itself, and built for production.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const { devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
/** What has not come by now does not come, however busy the machine is. */
const PATIENCE_MS = 120_000;
/** Outside the repository, whose own packages must not be found. */
const folder = mkdtempSync(join(tmpdir(), 'newcomer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The README's first program. */
function readmeProgram(): string {
  const [, program] = /```js\n([^`]*openDatabase(?:[^`]|`(?!``))*)```/.exec(README) ?? [];
  if (!program) throw new Error('the README shows no program with openDatabase');
  return program;
}

function npm(...args: string[]): string {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8' });
}

beforeAll(() => {
  const packed = join(folder, 'packed');
  mkdirSync(packed);
  const run = (...args: string[]) =>
    execFileSync('npm', args, { cwd: REPOSITORY, encoding: 'utf8' });
  run('run', 'build');
  const name = run('pack', '--silent', '--pack-destination', packed).trim();
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>…</title><body><script type="module" src="/main.js"></script>',
  );
  writeFileSync(join(folder, 'main.js'), readmeProgram());
  npm('install', '--no-audit', '--no-fund', '--prefer-offline', `vite@${devDependencies.vite}`);
  expect(README).toContain('\nnpm install idb-block-vfs\n');
  npm('install', '--no-audit', '--no-fund', '--prefer-offline', join(packed, name));
}, 240_000);

test('the program has less than ten lines', () => {
  const lines = readmeProgram()
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThan(10);
});

describe.each([['dev'], ['preview']])('vite %s', (command) => {
  test('a first and a second visit are counted', async () => {
    const vite = join(folder, 'node_modules/vite/bin/vite.js');
    if (command === 'preview') execFileSync(process.execPath, [vite, 'build'], { cwd: folder });
    const args = [vite, command, '--host', '127.0.0.1', '--port', '0', '--strictPort', 'false'];
    const server = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    });
    try {
      const url = await addressOf(server.stdout);
      expect(await visit(url, command)).toEqual(['Visit number 1', 'Visit number 2']);
    } finally {
      server.kill();
    }
  });
});

/** What the page says on two visits, with the browser closed in between. */
async function visit(url: string, label: string): Promise<string[]> {
  const profileDir = createProfileDir(`newcomer-${label}`);
  const said: string[] = [];
  for (const _ of [1, 2]) {
    const context = await chromium.launchPersistentContext(profileDir, {
      executablePath: await findChromium({ log: () => undefined }),
      args: [...CHROMIUM_FLAGS],
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => problems.push(message.text()));
    await page.goto(url);
    const text = page.getByText(/Visit number \d+/);
    await text.waitFor().catch((error: Error) => {
      throw new Error(`${error.message}\n${problems.join('\n')}`);
    });
    said.push((await page.textContent('body'))?.trim() ?? '');
    await context.close();
  }
  return said;
}

async function addressOf(output: AsyncIterable<Buffer>): Promise<string> {
  let said = '';
  for await (const chunk of output) {
    said += chunk;
    const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
    if (address) return address;
  }
  throw new Error(`the server did not start:\n${said}`);
}
