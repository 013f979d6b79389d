import { signClientState, verifyClientState } from '../../api/clientState.ts';

/** About five megabytes. */
const most = 20_000;
const length = signClientState('', '0'.repeat(36)).length;

/**
 * Remembers which clientStates were found to be right: a subscription sends the same one with each notification for as
 * long as it lives, and to verify it takes as long as all the rest of a request. What is wrong is not remembered, and
 * what cannot be right by its length is not looked at, so that forgeries take neither room nor time.
 */
export function verifierOf(secrets: readonly string[]): (clientState: string) => string | null {
  const known = new Map<string, string>();
  return (clientState) => {
    if (clientState.length !== length) return null;
    const before = known.get(clientState);
    if (before !== undefined) return before;
    const providerId = verifyClientState(secrets, clientState);
    if (providerId === null) return null;
    if (known.size >= most) known.clear();
    known.set(clientState, providerId);
    return providerId;
  };
}
