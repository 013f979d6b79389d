import { closeSync, openSync, writeSync } from 'node:fs';
import { jobEnvironment } from '../api/jobEnvironment.ts';
import type { RunReport } from '../api/runReport.ts';

/** What a run tells those who are not its caller: the record of last resort, which stays when the process is gone. */

/** What a summary line has of it; a run that failed early has little more than its error. */
export interface Told {
  readonly status: RunReport['status'];
  readonly providerId?: string | null;
  readonly upserted?: number;
  readonly removed?: number;
  readonly cursor?: RunReport['cursor'];
  readonly attempts?: number;
  readonly durationMs?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Times {
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

export function reportOf(told: Told, { startedAt, finishedAt }: Times, stored: number | null): RunReport {
  return {
    status: told.status,
    reported: false,
    providerId: told.providerId ?? null,
    upserted: told.upserted ?? 0,
    removed: told.removed ?? 0,
    stored,
    cursor: told.cursor ?? 'None',
    attempts: told.attempts ?? 1,
    durationMs: told.durationMs ?? finishedAt.getTime() - startedAt.getTime(),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    ...(told.error && { error: told.error }),
  };
}

/** Bytes. A node keeps 4,096 of a container's message. */
const longest = 4_000;

/** One line; an error that is too long for it is cut. */
export function terminationLine(report: RunReport): string {
  for (let left = report.error?.message.length ?? 0; ; left = Math.floor(left * 0.8)) {
    const { error } = report;
    const cut = error && { code: error.code, message: error.message.slice(0, left) };
    const line = JSON.stringify({ ...report, ...(cut && { error: cut }) });
    if (Buffer.byteLength(line) <= longest || left === 0) return line;
  }
}

/**
 * Writes `line` where the environment says that the container's termination message is; nowhere outside of a pod.
 * @returns why it could not be written, or null
 */
export function leaveTerminationMessage(env: NodeJS.ProcessEnv, line: string): string | null {
  const path = env[jobEnvironment.terminationLog] ?? '';
  if (path === '') return null;
  try {
    const file = openSync(path, 'w');
    writeSync(file, line);
    closeSync(file);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}
