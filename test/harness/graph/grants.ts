/**
 * What Microsoft login knows of a mailbox: sign-ins and the refresh tokens that grew from each of them.
 * Entra does not revoke a refresh token when it is used (Entra docs: refresh tokens); strict rotation is an option
 * of the simulator for the tenants and personal accounts where it does.
 */
import { opaque } from './ids.ts';

/** Why a grant is dead; decides the AADSTS number of the refusal. */
export type RevocationKind =
  'revoked' | 'expired' | 'consent-withdrawn' | 'mfa-required' | 'sign-in-frequency';

export interface RefreshToken {
  readonly text: string;
  readonly signIn: number;
  dead?: RevocationKind | 'replaced';
}

export class Grants {
  readonly #key: string;
  readonly #tokens = new Map<string, RefreshToken>();
  #signIns = 0;
  #issued = 0;
  #current = '';
  #latest = '';

  constructor(key: string) {
    this.#key = key;
    this.signIn();
  }

  /** The token of the latest sign-in: what an administrator would put in a Secret. Rotation does not change it. */
  get current(): string {
    return this.#current;
  }

  /** The token issued last, by sign-in or by rotation. */
  get latest(): string {
    return this.#latest;
  }

  signIn(): string {
    this.#signIns += 1;
    this.#current = this.#issue(this.#signIns);
    return this.#current;
  }

  #issue(signIn: number): string {
    this.#issued += 1;
    const text = `1.AXoA${opaque(40, this.#key, 'grant', signIn)}.${opaque(180, this.#key, 'refresh', this.#issued)}`;
    this.#tokens.set(text, { text, signIn });
    this.#latest = text;
    return text;
  }

  find(text: string): RefreshToken | undefined {
    return this.#tokens.get(text);
  }

  /** The successor of a token that has just been used. */
  rotate(used: RefreshToken, revokeUsed: boolean): string {
    if (revokeUsed) used.dead = 'replaced';
    return this.#issue(used.signIn);
  }

  /** Kills every refresh token issued so far, whatever its sign-in. */
  revoke(kind: RevocationKind): void {
    for (const token of this.#tokens.values()) token.dead = kind;
  }
}
