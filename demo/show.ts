// What each of the demos is given, and how it lets the user play at its end.
import type { Screen } from './screen.ts';

export interface Show {
  readonly screen: Screen;
  /** Of the first mailbox. */
  readonly messages: number;
  readonly signal: AbortSignal;
  /** With --keep: tells how to play, and resolves when the user has had enough. Without, it resolves at once. */
  readonly keepUp: (lines: readonly string[]) => Promise<void>;
}

/** Waits for Ctrl-C. */
export async function keepUntilStopped(
  screen: Screen,
  signal: AbortSignal,
  lines: readonly string[],
): Promise<void> {
  screen.lines(lines);
  screen.line('Ctrl-C ends it.');
  const heartbeat = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(heartbeat);
}
