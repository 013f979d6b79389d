/**
 * Exit codes of every program, in the numbering of sysexits(3) where it has one.
 * The operator's `podFailurePolicy` fails a Job at once on `usage` and `refused`: no retry can mend those.
 */
export const exitCodes = {
  /** Done, or another run holds the lease. */
  ok: 0,
  /** Configuration or arguments are missing or malformed; nothing was touched. */
  usage: 64,
  /** A bug of ours. */
  bug: 70,
  /** Transient: retries are used up, the next scheduled run goes on. */
  transient: 75,
  /** Microsoft Graph broke its protocol. */
  protocol: 76,
  /** Credentials, ownership or type of the provider forbid the sync until a person acts. */
  refused: 77,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
