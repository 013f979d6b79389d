import type { Log } from '../../kube/log.ts';
import type { Directory, WakeUps } from '../wakeUp.ts';

/** What the server for Graph needs, and what it tells. It reads no environment and knows no cluster. */
export interface ServerOptions {
  readonly directory: Directory;
  readonly wakeUps: WakeUps;
  /** Of which a request has to bring one; empty: none is asked for. */
  readonly tokens: readonly string[];
  /** Which sign the clientState of our subscriptions; empty: notifications go by query and subscription. */
  readonly clientStateSecrets: readonly string[];
  readonly limits: ServerLimits;
  /** Whether the last address of X-Forwarded-For is the sender's. */
  readonly trustProxy: boolean;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
  readonly observe: Observer;
  /** What is waited for before requests are welcome; null: nothing. */
  readonly isReady: () => string | null;
}

export interface ServerLimits {
  readonly bodyLimitBytes: number;
  /** Of one address; 0: none. */
  readonly ratePerSecond: number;
  /** For a request to arrive whole. */
  readonly requestTimeoutMs: number;
  /** For what is under way when the server closes. */
  readonly drainMs: number;
}

export const routes = ['push', 'lifecycle', 'probe', 'other'] as const;
export type Route = (typeof routes)[number];

/**
 * What became of one entry of a request, or of the request itself where it has no entries: a sync is certain; its
 * clientState is not ours; nobody is meant; the provider is suspended or on its way out; it could not be kept; it says
 * nothing that is understood.
 */
export const outcomes = ['accepted', 'forged', 'unknown', 'skipped', 'failed', 'unreadable'] as const;
export type Outcome = (typeof outcomes)[number];

/** Who counts. */
export interface Observer {
  readonly request: (route: Route, status: number, seconds: number) => void;
  readonly notifications: (outcome: Outcome, count: number) => void;
}

export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Takes no more, answers what is under way, and ends within `drainMs` whatever becomes of that. */
  readonly close: () => Promise<void>;
}
