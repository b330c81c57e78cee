/** Vitest's `expect` without Vitest: the cases also run in pages that no test runner knows of. */
import { type Assertion, chai, JestChaiExpect } from '@vitest/expect';

chai.use(JestChaiExpect);

export function expect(value: unknown): Assertion {
  return chai.expect(value) as Assertion;
}
