/** Kills a process with everything it started, and nothing else. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const DEATH_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/** @typedef {{ pid: number, parent: number, group: number, dead: boolean }} ProcessRow */

/**
 * Sends SIGKILL to the tree of `pid`, at once for its process group. `pid` must have been spawned
 * with `detached: true`, so that the group is its own.
 *
 * @param {number} pid
 * @returns {number[]} what was killed
 */
export function killTree(pid) {
  if (process.platform === 'win32') {
    quietly(() => execFileSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' }));
    return [pid];
  }
  // Listed before the first kill: the children of a dead process pass to init and lose their trace.
  const members = liveMembers(pid);
  quietly(() => process.kill(-pid, 'SIGKILL'));
  for (const member of members) quietly(() => process.kill(member, 'SIGKILL'));
  return members;
}

/**
 * The living processes of one kind in a browser. Works on Linux only: elsewhere no process tells cheaply
 * what it is.
 *
 * @param {number} pid of the browser
 * @param {(commandLine: string) => boolean} isOne
 */
export function membersOf(pid, isOne) {
  return liveMembers(pid).filter((member) => {
    const words = quietly(() => readFileSync(`/proc/${member}/cmdline`, 'utf8')) ?? '';
    return isOne(words.replaceAll('\0', ' ').trim());
  });
}

/**
 * Sends SIGKILL to some processes of a browser, and leaves the others running. Resolves when they are
 * dead.
 *
 * @param {number} pid of the browser
 * @param {readonly number[]} members
 */
export async function killMembers(pid, members) {
  if (members.length === 0) throw new Error(`The browser ${pid} has no such process to kill`);
  for (const member of members) quietly(() => process.kill(member, 'SIGKILL'));
  const deadline = Date.now() + DEATH_TIMEOUT_MS;
  while (liveMembers(pid).some((member) => members.includes(member))) {
    if (Date.now() > deadline) throw new Error('A process of the browser outlives SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * @param {number} pid root of a tree that was killed
 * @param {number[]} members what killTree() returned
 */
export async function waitUntilDead(pid, members) {
  const deadline = Date.now() + DEATH_TIMEOUT_MS;
  for (;;) {
    const alive = new Set(liveMembers(pid));
    for (const row of processTable()) {
      if (members.includes(row.pid) && !row.dead) alive.add(row.pid);
    }
    if (alive.size === 0) return;
    if (Date.now() > deadline)
      throw new Error(`Still alive after SIGKILL: ${[...alive].join(', ')}`);
    for (const straggler of alive) quietly(() => process.kill(straggler, 'SIGKILL'));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** @param {number} root @returns {number[]} the processes that it has started, alive */
export function descendants(root) {
  return liveMembers(root).filter((pid) => pid !== root);
}

/** @param {number} root @returns {number[]} root, its descendants and its process group, alive */
function liveMembers(root) {
  const rows = processTable();
  const members = new Set([root]);
  for (let grown = true; grown; ) {
    const before = members.size;
    for (const row of rows) {
      if (members.has(row.parent) || row.group === root) members.add(row.pid);
    }
    grown = members.size > before;
  }
  return rows.filter((row) => members.has(row.pid) && !row.dead).map((row) => row.pid);
}

/** @returns {ProcessRow[]} */
function processTable() {
  if (process.platform === 'win32') return [];
  return process.platform === 'linux' ? linuxTable() : psTable();
}

/** @returns {ProcessRow[]} */
function linuxTable() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = quietly(() => readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (stat === undefined) return [];
      // The second field, the program's name, may itself hold spaces and parentheses.
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [row(name, parent, group, state)];
    });
}

/** @returns {ProcessRow[]} */
function psTable() {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, group, state]) => row(pid, parent, group, state));
}

/**
 * @param {string | undefined} pid
 * @param {string | undefined} parent
 * @param {string | undefined} group
 * @param {string | undefined} state Z and X are dead, only not yet collected by their parent
 * @returns {ProcessRow}
 */
function row(pid, parent, group, state) {
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    dead: /^[ZX]/.test(state ?? ''),
  };
}

/** Runs what may fail because its process is already gone. @template T @param {() => T} action */
function quietly(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
