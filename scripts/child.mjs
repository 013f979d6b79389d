// Child processes that stand in for their parent: same terminal, same signals, same end.
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Whether two paths are one file, through links of either kind; false when one of them is missing. */
export function isSameFile(left, right) {
  const [a, b] = [left, right].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/**
 * Runs a command to its end and passes the signals sent to this process on to it.
 * Resolves to `{ code, signal }`, one of which is null; rejects when the command cannot be started.
 */
export function runChild(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    const forward = (signal) => {
      // A terminal sends Ctrl-C to the child as well; passed on, it would look like a second, urgent one.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    const settle = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve({ code, signal });
    });
  });
}

/** Ends this process the way the child ended: by its exit code, or by the same signal. */
export function endLike({ code, signal }) {
  if (signal === null) process.exit(code);
  process.kill(process.pid, signal);
}
