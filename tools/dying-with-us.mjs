const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Has a process that we started end when ours does, however ours ends short of SIGKILL.
 *
 * @param {() => unknown} end ends it, at once
 * @returns {() => void} to be called when it has ended otherwise
 */
export function dyingWithUs(end) {
  /** @param {NodeJS.Signals} signal */
  const endAndPassOn = (signal) => {
    end();
    forget();
    process.kill(process.pid, signal);
  };
  const forget = () => {
    process.off('exit', end);
    for (const signal of SIGNALS) process.off(signal, endAndPassOn);
  };
  process.once('exit', end);
  for (const signal of SIGNALS) process.once(signal, endAndPassOn);
  return forget;
}
