import { type ExitCode, exitCodes } from '../api/exitCodes.ts';

/** Why it ended without what was asked for, in words for the person who waits: what is wrong, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Told to stop, before anything was written. */
export function stopped(): Failure {
  return new Failure(exitCodes.transient, 'Stopped. Nothing was written.');
}
