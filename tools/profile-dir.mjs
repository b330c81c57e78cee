import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE_DIR = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
const MEMORY_FILE_SYSTEMS = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

let created = 0;
/** @type {Set<string>} to be removed when this process exits */
const ours = new Set();
process.once('exit', () => ours.forEach(removeProfileDir));

/**
 * Creates an empty browser profile folder on a real disk and removes it when this process exits.
 * Its name carries our pid, so that a later run can tell which leftovers belong to dead processes.
 *
 * @param {string} label what the profile is for
 * @returns {string} the folder's path
 */
export function createProfileDir(label) {
  const parent = onDisk(CACHE_DIR) ?? onDisk(join(tmpdir(), 'idb-block-vfs'));
  if (parent === undefined) {
    throw new Error(
      'No folder on a real disk for a browser profile: both node_modules/.cache and ' +
        'the temporary folder are in memory. Set TMPDIR to a folder on a disk.',
    );
  }
  removeLeftovers(parent);
  created += 1;
  const profileDir = join(parent, `profile-${process.pid}-${created}-${label}`);
  mkdirSync(profileDir, { recursive: true });
  ours.add(profileDir);
  return profileDir;
}

/** @param {string} profileDir */
export function removeProfileDir(profileDir) {
  ours.delete(profileDir);
  // A browser that is still going down may add files while we delete, hence the retries.
  rmSync(profileDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** @param {string} dir @returns {string | undefined} dir, unless its file system is memory */
function onDisk(dir) {
  mkdirSync(dir, { recursive: true });
  return MEMORY_FILE_SYSTEMS.has(statfsSync(dir).type) ? undefined : dir;
}

/** @param {string} parent */
function removeLeftovers(parent) {
  for (const name of readdirSync(parent)) {
    const pid = Number(/^profile-(\d+)-/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) removeProfileDir(join(parent, name));
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
