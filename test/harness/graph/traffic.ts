/** Requests in flight, by mailbox: Outlook serves four at a time per app and mailbox and refuses the rest. */
import { errorBody, type Reply, type RequestIdentity } from './graphError.ts';

export class Traffic {
  readonly #open = new Map<string, number>();

  inFlight(mailbox: string | undefined): number {
    return mailbox === undefined ? 0 : (this.#open.get(mailbox) ?? 0);
  }

  /** Takes `slots` for a request; the returned function gives them back, once. Without a mailbox there is no limit. */
  enter(mailbox: string | undefined, slots: number): () => void {
    if (mailbox === undefined) return () => undefined;
    this.#open.set(mailbox, this.inFlight(mailbox) + slots);
    let entered = true;
    return () => {
      if (entered) this.#open.set(mailbox, this.inFlight(mailbox) - slots);
      entered = false;
    };
  }
}

/** As reported of the service (terraform-provider-outlook #21). */
export function overConcurrencyLimit(identity: RequestIdentity): Reply {
  const message = 'Application is over its MailboxConcurrency limit.';
  return {
    status: 429,
    headers: { 'retry-after': '1' },
    body: errorBody('ApplicationThrottled', message, identity),
  };
}
