import type { ErrorCode, SyncError } from './errors.ts';
import type { CursorState } from './sync/pass.ts';

/** The last line on stdout: what became of a run, for programs. */
export type Summary = {
  readonly status: 'connected' | 'skipped' | 'interrupted' | 'error';
  readonly providerId: string | null;
  readonly upserted: number;
  readonly removed: number;
  readonly quarantined: number;
  readonly cursor: CursorState;
  /** All tries: 1 for a run without a fault. */
  readonly attempts: number;
  readonly durationMs: number;
  /** Who has the lease; with `skipped` only. */
  readonly holder?: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
};

export const shownError = ({ code, message }: SyncError): { code: ErrorCode; message: string } => ({
  code,
  message,
});
