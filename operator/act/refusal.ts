import { isKubeError } from '../../kube/errors.ts';

/** The API server's no to an action, as the provider's status tells it. */
export interface Refusal {
  readonly reason: 'ScheduleRefused' | 'AccessMissing';
  /** The API server's words, bounded and safe to show. */
  readonly message: string;
}

/** What a failed action means to the provider's status; undefined where it is to be tried again without a word. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (isKubeError(error, 'forbidden')) return { reason: 'AccessMissing', message: error.message };
  if (isKubeError(error, 'invalid')) return { reason: 'ScheduleRefused', message: error.message };
  return undefined;
}
