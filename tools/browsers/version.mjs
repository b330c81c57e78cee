import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const VERSION_TIMEOUT_MS = 20_000;
const run = promisify(execFile);

/**
 * @param {string} executable
 * @param {Readonly<Record<string, string>>} [env] more variables
 * @returns {Promise<string>} what it says of itself; rejects if it does not run
 */
export async function askVersion(executable, env = {}) {
  // On Windows `chrome.exe --version` opens a window instead of printing; being there must do.
  if (process.platform === 'win32') return 'unknown version';
  const options = { timeout: VERSION_TIMEOUT_MS, env: { ...process.env, ...env } };
  return (await run(executable, ['--version'], options)).stdout.trim();
}
