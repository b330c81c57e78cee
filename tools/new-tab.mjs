/** Opens and closes tabs of a browser that runs already, through its debugging port. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The browser picks a free port and writes it into its profile. */
export const TABS_FLAG = '--remote-debugging-port=0';
const PORT_FILE = 'DevToolsActivePort';
const CLOSE_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/**
 * @param {string} profileDir of a browser started with TABS_FLAG
 * @param {string} url
 */
export async function openNewTab(profileDir, url) {
  await ask(profileDir, `new?${encodeURIComponent(url)}`, 'PUT');
}

/** Of a browser started with TABS_FLAG. @param {string} profileDir */
export function debuggingPort(profileDir) {
  const [port] = readFileSync(join(profileDir, PORT_FILE), 'utf8').split('\n');
  return Number(port);
}

/** Closes the tabs of one origin, as their user would; leaves an empty one. */
export async function closeTabs(/** @type {string} */ profileDir, /** @type {string} */ origin) {
  // The browser would go with its last tab.
  await openNewTab(profileDir, 'about:blank');
  const deadline = Date.now() + CLOSE_TIMEOUT_MS;
  for (const asked = new Set(); ; ) {
    /** @type {{ id: string, url: string }[]} */
    const tabs = await (await ask(profileDir, 'list', 'GET')).json();
    const open = tabs.filter(({ url }) => url.startsWith(origin));
    if (open.length === 0) return;
    if (Date.now() > deadline) throw new Error(`${open.length} tabs do not close`);
    for (const { id } of open) if (!asked.has(id)) await ask(profileDir, `close/${id}`, 'GET');
    for (const { id } of open) asked.add(id);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * @param {string} profileDir
 * @param {string} command
 * @param {string} method
 */
async function ask(profileDir, command, method) {
  const url = `http://127.0.0.1:${debuggingPort(profileDir)}/json/${command}`;
  const response = await fetch(url, { method });
  if (!response.ok) throw new Error(`The browser refuses "${command}": ${response.status}`);
  return response;
}
