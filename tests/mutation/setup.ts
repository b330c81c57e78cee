/** A mutant need not be told by the smallest example. */
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
