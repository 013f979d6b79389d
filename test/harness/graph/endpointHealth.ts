/**
 * Whether an endpoint answers fast enough to be sent anything (Graph docs: receive change notifications through
 * webhooks, throttling). An endpoint is what a URL names without its query; time is the machine's, in ms.
 */
import type { ThrottleOptions } from './pushOptions.ts';

interface Noted {
  at: number;
  slow: boolean;
}

export type Health = 'well' | 'slow' | 'drop';

export function endpointOf(url: string): string {
  return url.replace(/[?#].*$/, '');
}

export class EndpointHealth {
  readonly #answers = new Map<string, Noted[]>();

  note(url: string, slow: boolean, at: number): void {
    const endpoint = endpointOf(url);
    this.#answers.set(endpoint, [...(this.#answers.get(endpoint) ?? []), { at, slow }].slice(-10_000));
  }

  of(url: string, throttle: Required<ThrottleOptions> | undefined, now: number): Health {
    if (throttle === undefined) return 'well';
    const recent = (this.#answers.get(endpointOf(url)) ?? []).filter(
      ({ at }) => at > now - throttle.windowMs,
    );
    if (recent.length < throttle.leastAnswers) return 'well';
    const share = recent.filter(({ slow }) => slow).length / Math.max(1, recent.length);
    if (share > throttle.dropShare) return 'drop';
    return share > throttle.slowShare ? 'slow' : 'well';
  }
}
