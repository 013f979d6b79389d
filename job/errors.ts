import type { ErrorCode } from '../api/errorCodes.ts';
import { exitCodes, type ExitCode } from '../api/exitCodes.ts';

export type { ErrorCode } from '../api/errorCodes.ts';

/**
 * Every way in which a run can fail, in one table: what may be done about it within the run, how the process exits,
 * and nothing else. A message is short and safe to show: no token, no secret, no message content, no address of a
 * person; it goes to logs, to the provider's row, to events and to the summary line alike.
 */

/**
 * - `retry`: another attempt of this run may succeed.
 * - `wait`: not now; the next scheduled run tries again.
 * - `terminal`: a person has to act first.
 */
export type RetryClass = 'retry' | 'wait' | 'terminal';

interface Outcome {
  readonly retry: RetryClass;
  readonly exit: ExitCode;
}

const { usage, bug, transient, protocol, refused } = exitCodes;

export const errorTable = {
  ConfigurationInvalid: { retry: 'terminal', exit: usage },
  DeltaScopeUnsupported: { retry: 'terminal', exit: usage },
  InternalError: { retry: 'terminal', exit: bug },

  ProviderTypeMismatch: { retry: 'terminal', exit: refused },
  ProviderInactive: { retry: 'terminal', exit: refused },
  OwnershipMismatch: { retry: 'terminal', exit: refused },
  ReauthorizationRequired: { retry: 'terminal', exit: refused },
  RefreshTokenMissing: { retry: 'terminal', exit: refused },
  TokenUnreadable: { retry: 'terminal', exit: refused },
  ClientCredentialsInvalid: { retry: 'terminal', exit: refused },
  ClientUnauthorized: { retry: 'terminal', exit: refused },
  LoginRequestInvalid: { retry: 'terminal', exit: refused },
  AccessTokenRejected: { retry: 'terminal', exit: refused },
  AccessDenied: { retry: 'terminal', exit: refused },
  MailboxNotFound: { retry: 'terminal', exit: refused },

  LoginThrottled: { retry: 'wait', exit: transient },
  LoginUnavailable: { retry: 'retry', exit: transient },
  GraphThrottled: { retry: 'wait', exit: transient },
  GraphUnavailable: { retry: 'retry', exit: transient },
  GraphUnreachable: { retry: 'retry', exit: transient },
  GraphTimeout: { retry: 'retry', exit: transient },
  MailboxQuotaExceeded: { retry: 'wait', exit: transient },
  CursorExpired: { retry: 'retry', exit: transient },

  GraphResponseInvalid: { retry: 'retry', exit: protocol },
  GraphRequestRefused: { retry: 'wait', exit: protocol },
  ForeignLink: { retry: 'wait', exit: protocol },
  PageLoop: { retry: 'wait', exit: protocol },

  DatabaseUnreachable: { retry: 'retry', exit: transient },
  DatabaseConnectionLost: { retry: 'retry', exit: transient },
  DatabaseAuthenticationFailed: { retry: 'wait', exit: transient },
  DatabaseTlsFailed: { retry: 'wait', exit: transient },
  DatabaseMissing: { retry: 'wait', exit: transient },
  DatabaseReadOnly: { retry: 'wait', exit: transient },
  DatabaseNotMigrated: { retry: 'wait', exit: transient },
  DatabaseFailed: { retry: 'retry', exit: transient },
  LeaseLost: { retry: 'wait', exit: transient },
} as const satisfies Record<ErrorCode, Outcome>;

/** A failure of the closed set above. `message` is safe to show; `cause` is not and is never shown. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: ErrorCode;
  /** Set where the other side named a time before which another try is in vain. */
  readonly until: Date | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; until?: Date } = {}) {
    const { cause, until } = options;
    super(until ? `${message}; not before ${until.toISOString()}` : message, { cause });
    this.code = code;
    this.until = until;
  }

  get retry(): RetryClass {
    return this.until ? 'wait' : errorTable[this.code].retry;
  }

  get exitCode(): ExitCode {
    return errorTable[this.code].exit;
  }
}

/** Not a failure: the run was told to stop (SIGTERM, or its deadline) and did so between two pages. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * What is unknown is a bug of ours: it is named by its class only, for its text may hold anything, a message's
 * content among it.
 */
export function toSyncError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const name = error instanceof Error ? error.constructor.name : typeof error;
  return new SyncError('InternalError', `Unexpected ${name}; the log has its stack`, { cause: error });
}

/** For the log: class and stack without the text, which may hold anything. */
export function stackOf(cause: unknown): { type: string; stack: string | undefined } {
  if (!(cause instanceof Error)) return { type: typeof cause, stack: undefined };
  const frames = cause.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return { type: cause.name, stack: frames?.join('\n') };
}
