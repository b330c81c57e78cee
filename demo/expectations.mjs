/** What must hold for the demo to succeed, checked and told line by line. */
import { green, line, red } from './terminal.mjs';

export class Expectations {
  failures = 0;

  /** As expect(), but says nothing while it holds. @param {boolean} holds @param {string} promise */
  require(holds, promise) {
    if (!holds) this.expect(false, promise);
  }

  /** @param {boolean} holds @param {string} promise @param {string} [found] */
  expect(holds, promise, found = '') {
    if (!holds) this.failures += 1;
    const mark = holds ? green('✓') : red('✗ NOT');
    line(`  ${mark} ${promise}${found === '' ? '' : `: ${found}`}`);
  }
}
