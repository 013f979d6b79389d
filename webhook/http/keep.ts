// Tells all that are to be woken, a few at a time.
import type { Target } from '../plan/targets.ts';
import type { WakeUps } from '../wakeUp.ts';

const atOnce = 64;

export interface Kept {
  readonly kept: readonly Target[];
  /** Those that were not told, or of which it is not certain. */
  readonly failed: readonly Target[];
  readonly errors: readonly Error[];
}

/** After a failure no more are begun: the sender is to come again anyway, and waits. Resolves in any case. */
export async function keepAll(targets: readonly Target[], wakeUps: WakeUps): Promise<Kept> {
  const kept: Target[] = [];
  const errors: Error[] = [];
  const waiting = targets.values();
  const work = async (): Promise<void> => {
    for (const target of waiting) {
      if (errors.length > 0) return;
      try {
        await keep(target, wakeUps);
        kept.push(target);
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(typeof error));
      }
    }
  };
  if (targets.length === 1) await work();
  else await Promise.all(Array.from({ length: Math.min(atOnce, targets.length) }, work));
  return { kept, failed: kept.length === targets.length ? [] : without(targets, new Set(kept)), errors };
}

function without(targets: readonly Target[], kept: ReadonlySet<Target>): readonly Target[] {
  return targets.filter((target) => !kept.has(target));
}

function keep({ provider, demand }: Target, wakeUps: WakeUps): Promise<void> {
  return demand === 'wake' ? wakeUps.wake(provider) : wakeUps.tell(provider, demand);
}
