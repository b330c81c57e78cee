/** Points of the VFS under test that faults are planned for. */
import type { Fault, Hit } from '../../src/testing/index.js';

export const isWrite: Hit = ({ kind, mode }) => kind === 'request' && mode === 'readwrite';
export const isRead: Hit = ({ kind, mode }) => kind === 'request' && mode === 'readonly';
/** The VFS tells its commits to commit; an idbTx that spills ends by itself. */
export const isCommit: Hit = ({ kind, method, stores }) =>
  kind === 'commit' && method === 'commit' && stores.includes('commits');
export const isOpen: Hit = ({ kind }) => kind === 'open';

/** What happens to a request, as it happens to a commit, which has no request that could fail. */
export function atCommit(fault: Fault): Fault {
  if (fault.tag !== 'request-error' && fault.tag !== 'abort') return fault;
  const { name } = fault;
  return name === undefined ? { tag: 'abort-at-commit' } : { tag: 'abort-at-commit', name };
}
