import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The `clientState` of a provider's subscription, which Graph sends back with each of its notifications: the id of the
 * row, a random number of its own, and a keyed hash over both. Whoever has the secret can tell by it alone which
 * mailbox is meant and that it was us who said so; nothing has to be stored or looked up. 103 characters of the 128
 * that Graph takes (Graph docs: subscription resource type).
 */
const nonceBytes = 16;
const parts = /^([0-9a-f-]{36})\.([\w-]{22})\.([\w-]{43})$/;

/** @param providerId a uuid, in lower case */
export function signClientState(secret: string, providerId: string): string {
  const nonce = randomBytes(nonceBytes).toString('base64url');
  return `${providerId}.${nonce}.${seal(secret, providerId, nonce).toString('base64url')}`;
}

/**
 * The id of the row that a notification is about, or null where none of the secrets made its `clientState`. Takes the
 * same time however much of it is right.
 */
export function verifyClientState(secrets: readonly string[], clientState: string): string | null {
  const [, providerId = '', nonce = '', given = ''] = parts.exec(clientState) ?? [];
  const shown = Buffer.from(given.padEnd(43, 'A'), 'base64url');
  const matches = secrets.map((secret) => timingSafeEqual(seal(secret, providerId, nonce), shown));
  return given !== '' && matches.includes(true) ? providerId : null;
}

function seal(secret: string, providerId: string, nonce: string): Buffer {
  return createHmac('sha256', secret).update(`outlook-sync client state\n${providerId}\n${nonce}`).digest();
}

/** Comma-separated, so that one can be replaced: the first signs, all verify. Empty: none. */
export function readSecrets(value: string): readonly string[] {
  return value
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
}
