// Sees to it that processes never outlive the one that started them.
//
// A shell reads the process groups to guard from a pipe. However this process ends, by exit, signal or SIGKILL, the
// pipe closes, and the shell kills the groups that are still there and removes the folder. So nothing here listens to
// signals or exits, and exit codes stay what they are.
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

const GUARD = `
groups=
while read -r word pid; do
  case "$word" in
    add) groups="$groups $pid" ;;
    remove)
      rest=
      for one in $groups; do [ "$one" = "$pid" ] || rest="$rest $one"; done
      groups=$rest ;;
    close) exit 0 ;;
  esac
done
for one in $groups; do kill -s KILL -- "-$one" 2>/dev/null; done
[ -z "$1" ] || rm -rf -- "$1"
`;

export interface Keeper {
  /** Guards the process group that `pid` leads. */
  readonly add: (pid: number) => void;
  /** To be called as soon as the group has ended: its number will be somebody else's. */
  readonly remove: (pid: number) => void;
  /** Ends the guard; what it guarded goes on. */
  readonly close: () => void;
}

/** Starts a guard. `folder`, if given, is removed when this process ends before close(). */
export function startKeeper(folder = ''): Keeper {
  const guard = spawn('/bin/sh', ['-c', GUARD, 'keeper', folder], {
    cwd: '/',
    // Ctrl-C is not for the guard.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return {
    add: (pid) => guard.stdin.write(`add ${pid}\n`),
    remove: (pid) => guard.stdin.write(`remove ${pid}\n`),
    close: () => guard.stdin.end('close\n'),
  };
}
