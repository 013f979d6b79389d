// An operator as it is shipped, in a process of its own, as its own service account.
import { type ProgramProcess, startProgram } from './programProcess.ts';

export interface OperatorProcess extends ProgramProcess {
  readonly identity: string;
  /** Resolves when the operator leads; rejects when it ends before that. */
  readonly leads: () => Promise<void>;
  /** Resolves when its caches are filled, whoever leads; rejects when it ends before that. */
  readonly isStandingBy: () => Promise<void>;
  /** The text of /metrics. */
  readonly metrics: () => Promise<string>;
  /** HTTP status of a path such as /readyz; 0 when nobody answers. */
  readonly probe: (path: string) => Promise<number>;
}

export function startOperator(
  bundle: string,
  identity: string,
  env: Readonly<Record<string, string>>,
): OperatorProcess {
  const { ask, until, ...program } = startProgram(bundle, env);
  const metrics = async (): Promise<string> =>
    (await (await ask('port', '/metrics'))?.text().catch(() => '')) ?? '';
  const probe = async (path: string): Promise<number> => (await ask('port', path))?.status ?? 0;
  return {
    ...program,
    identity,
    leads: () => until(async () => /^leader_election_master_status\{[^}]*\} 1$/m.test(await metrics())),
    isStandingBy: () => until(async () => (await probe('/readyz')) === 200),
    metrics,
    probe,
  };
}
