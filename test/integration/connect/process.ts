// connect as it is shipped: one bundled file, in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { GraphSimulator } from '../../harness/graph/simulator.ts';

export interface ConnectOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningConnect {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly outcome: Promise<ConnectOutcome>;
}

const LIMIT_MS = 60_000;

/** Only what is given here reaches it, and the PATH. */
export function startConnect(
  bundle: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RunningConnect {
  const child = spawn(process.execPath, [bundle, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (part: string) => {
      said[name] += part;
    });
  const outcome = once(child, 'close').then(() => ({ code: child.exitCode, ...said }));
  return { kill: (signal) => child.kill(signal), outcome };
}

/** An environment in which it signs in at a simulated Microsoft. */
export function connectEnvironment(simulator: GraphSimulator): Record<string, string> {
  return {
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
  };
}
