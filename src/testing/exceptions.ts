/** The DOMExceptions of IndexedDB, by name. */
export type ExceptionName =
  | 'AbortError'
  | 'ConstraintError'
  | 'DataCloneError'
  | 'DataError'
  | 'InvalidAccessError'
  | 'InvalidStateError'
  | 'NotFoundError'
  | 'QuotaExceededError'
  | 'ReadOnlyError'
  | 'SyntaxError'
  | 'TransactionInactiveError'
  | 'UnknownError'
  | 'VersionError';

export function exception(name: ExceptionName, message: string): DOMException {
  return new DOMException(message, name);
}
