// An operator that is started again when it ends, as a Deployment would.
import type { OperatorProcess } from './operatorProcess.ts';

export interface KeptOperator {
  readonly leads: () => Promise<void>;
  readonly metrics: () => Promise<string>;
  /** Exit codes of those that ended by themselves. */
  readonly exits: () => readonly (number | null)[];
  /** Default: SIGTERM. */
  readonly end: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>;
}

export async function keepOperator(start: () => Promise<OperatorProcess>): Promise<KeptOperator> {
  const exits: (number | null)[] = [];
  let current = await start();
  let isOver = false;
  const keep = async (): Promise<void> => {
    for (;;) {
      const code = await current.ended();
      if (isOver) return;
      exits.push(code);
      current = await start();
    }
  };
  const kept = keep();
  return {
    leads: () => current.leads(),
    metrics: () => current.metrics(),
    exits: () => exits,
    end: async (signal = 'SIGTERM') => {
      isOver = true;
      await current.kill(signal);
      await kept;
    },
  };
}
