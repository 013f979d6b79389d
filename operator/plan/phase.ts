import type { Phase, ProviderStatus } from '../../api/providerStatus.ts';
import { restingPhase } from '../../api/runReport.ts';

/** Where a provider stands that nothing suspends: what its status says, or where it says nothing of that, its runs. */
export function standingPhase(status: ProviderStatus): Phase {
  const { phase } = status;
  return phase === undefined || phase === 'Suspended' ? restingPhase(status) : phase;
}
