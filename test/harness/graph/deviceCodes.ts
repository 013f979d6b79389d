/**
 * Sign-ins by device code (RFC 8628), as Microsoft has them: a code for the device, a code for the person, and what a
 * poll is answered until the person has decided. Source: Entra docs, "v2-oauth2-device-code".
 */
import { opaque } from './ids.ts';
import type { LoginRefusal } from './loginErrors.ts';
import type { SimulatedMailbox } from './mailbox.ts';

export interface DeviceCodeOptions {
  /** Seconds between two polls; default 5. */
  interval?: number;
  /** Seconds that the codes live; default 900. */
  lifetime?: number;
}

/** What the person did at the page: signed in, with whose mailbox, or refused. */
type Decision = SimulatedMailbox | 'declined';

interface SignIn {
  readonly tenant: string;
  readonly userCode: string;
  readonly scope: string;
  readonly expiresAt: number;
  interval: number;
  polledAt: number;
  decision?: Decision;
}

export interface SignedIn {
  readonly mailbox: SimulatedMailbox;
  readonly scope: string;
}

/** Without vowels, so that no words come about. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ23456789';
/** A timer may fire a little early. */
const LENIENCY = 0.95;

export class DeviceCodes {
  readonly #signIns = new Map<string, SignIn>();
  readonly #listeners = new Set<(userCode: string) => void>();
  readonly #options: Required<DeviceCodeOptions>;
  readonly #clock: () => number;
  readonly #seed: number;
  #issued = 0;

  constructor(options: DeviceCodeOptions, seed: number, clock: () => number) {
    this.#options = { interval: 5, lifetime: 900, ...options };
    this.#clock = clock;
    this.#seed = seed;
  }

  /** Called with the person's code of each sign-in that begins from now on. */
  listen(listener: (userCode: string) => void): void {
    this.#listeners.add(listener);
  }

  /** The body of the answer that begins a sign-in. `verification_uri_complete` is none of it. */
  begin(tenant: string, scope: string, verificationUri: string): object {
    this.#issued += 1;
    const { interval, lifetime } = this.#options;
    const now = this.#clock();
    const userCode = this.#userCode();
    const deviceCode = opaque(180, this.#seed, 'device', this.#issued);
    const expiresAt = now + lifetime * 1000;
    this.#signIns.set(deviceCode, { tenant, userCode, scope, expiresAt, interval, polledAt: now });
    for (const listener of this.#listeners) listener(userCode);
    return {
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: verificationUri,
      expires_in: lifetime,
      interval,
      message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
    };
  }

  #userCode(): string {
    const bytes = Buffer.from(opaque(32, this.#seed, 'user code', this.#issued));
    return [...bytes.subarray(0, 9)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
  }

  /** The person's act at the page. Throws for a code that is none. */
  decide(userCode: string, decision: Decision): void {
    const found = [...this.#signIns.values()].find((one) => one.userCode === userCode);
    if (found === undefined) throw new Error(`There is no sign-in with the code ${userCode}.`);
    found.decision = decision;
  }

  /** What the token endpoint makes of a poll. A code that was redeemed is known no longer. */
  poll(deviceCode: string, tenant: string): SignedIn | LoginRefusal {
    const signIn = this.#signIns.get(deviceCode);
    if (signIn?.tenant !== tenant) return 'bad-device-code';
    const now = this.#clock();
    if (now >= signIn.expiresAt) return 'device-code-expired';
    const isHasty = now - signIn.polledAt < signIn.interval * 1000 * LENIENCY;
    signIn.polledAt = now;
    if (isHasty) {
      // RFC 8628, 3.5: for this and all further requests.
      signIn.interval += 5;
      return 'slow-down';
    }
    if (signIn.decision === undefined) return 'device-pending';
    if (signIn.decision === 'declined') return 'device-declined';
    return { mailbox: signIn.decision, scope: signIn.scope };
  }

  forget(deviceCode: string): void {
    this.#signIns.delete(deviceCode);
  }
}
