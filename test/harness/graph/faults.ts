/**
 * Scripted trouble: which request goes wrong, how often, and how. Deterministic: a script counts the requests it
 * matches and nothing else. The first script that matches and is not used up decides; scripts are asked in the
 * order in which they were added.
 */

export interface RequestInfo {
  /** `batched` for the inner requests of a `$batch`, `token` for the login endpoint. */
  kind: 'graph' | 'batched' | 'token';
  method: string;
  /** Percent-decoded. */
  path: string;
  query: string;
  prefer: readonly string[];
  headers: Readonly<Record<string, string>>;
  mailbox?: string;
  /** Requests to that mailbox open at this moment, this one included; 0 for the login endpoint. */
  inFlight: number;
  /** 1 for the first request the simulator ever saw, and so on, all kinds together. */
  number: number;
}

/** Without `status`, `reset`, `hang` and `truncate` the good answer is given: late, or mutated. */
export interface FaultReply {
  status?: number;
  headers?: Record<string, string>;
  /** Text is sent as it is (HTML of a gateway, say), anything else as JSON. */
  body?: unknown;
  /** The socket is destroyed before anything is answered. */
  reset?: boolean;
  /** `true`: the good answer is cut off in the middle and the connection closed; `json`: sent whole, but no JSON. */
  truncate?: true | 'json';
  /** Never answered. */
  hang?: boolean;
  delayMs?: number;
  /** Held back until this settles: lets a test decide what is in flight together, without a clock. */
  until?: Promise<unknown>;
  /** Alters the body of the good answer; only a 200 is altered. */
  mutate?: (body: unknown) => unknown;
}

export interface FaultScript {
  when: (request: RequestInfo) => boolean;
  /** How many matching requests go wrong; default 1, Infinity for ever. */
  times?: number;
  reply: FaultReply;
}

export class Faults {
  #scripts: { when: FaultScript['when']; left: number; reply: FaultReply }[] = [];

  /** Returns a function that takes the script back. */
  add(script: FaultScript): () => void {
    const entry = { when: script.when, left: script.times ?? 1, reply: script.reply };
    this.#scripts.push(entry);
    return () => {
      this.#scripts = this.#scripts.filter((one) => one !== entry);
    };
  }

  /** Every n-th request to Graph goes wrong, batched ones counted, those to the login endpoint not. */
  everyNth(n: number, reply: FaultReply): () => void {
    let seen = 0;
    const when = (request: RequestInfo): boolean => {
      if (request.kind === 'token') return false;
      seen += 1;
      return seen % n === 0;
    };
    return this.add({ when, times: Infinity, reply });
  }

  clear(): void {
    this.#scripts = [];
  }

  /** The fault of this request, now used up by one; undefined for a request that shall go well. */
  take(request: RequestInfo): FaultReply | undefined {
    const script = this.#scripts.find((one) => one.left > 0 && one.when(request));
    if (script === undefined) return undefined;
    script.left -= 1;
    return script.reply;
  }
}
