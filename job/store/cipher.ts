import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/**
 * Tokens at rest: AES-256-GCM under a ring of keys, bound to the row and the column that hold them, so that a
 * ciphertext copied to another row does not decrypt. A stored value reads `osk1:<key id>:<base64url of nonce, tag and
 * ciphertext>`; whatever does not is another program's and is never guessed at.
 */
export interface EncryptionKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** The first encrypts, all decrypt. */
export type KeyRing = readonly [EncryptionKey, ...EncryptionKey[]];

const prefix = 'osk1';
const nonceBytes = 12;
const tagBytes = 16;

/** Where a secret lives; part of what is authenticated. */
export interface Place {
  readonly providerId: string;
  readonly column: 'accessToken' | 'refreshToken';
}

const associated = (place: Place): Buffer => Buffer.from(`${place.providerId}/${place.column}`);

export function encrypt(ring: KeyRing, place: Place, plaintext: string): string {
  const [{ id, key }] = ring;
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated(place));
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return `${prefix}:${id}:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
}

/** The plaintext, or null where it is not ours: no key of the ring made it for this place. */
export function decrypt(ring: KeyRing, place: Place, stored: string): string | null {
  const [format, id, encoded, ...rest] = stored.split(':');
  const entry = ring.find((candidate) => candidate.id === id);
  if (format !== prefix || !entry || encoded === undefined || rest.length > 0) return null;
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', entry.key, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
    .setAAD(associated(place))
    .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}

/** Whether a stored value was encrypted with a key other than the ring's first and should be written anew. */
export function isUnderOldKey(ring: KeyRing, stored: string): boolean {
  return !stored.startsWith(`${prefix}:${ring[0].id}:`);
}

/** SHA-256 of a grant as the administrator gave it, bound to the row; tells a new sign-in from the known one. */
export function seedHash(providerId: string, refreshToken: string): string {
  return createHash('sha256').update(`${providerId}\n${refreshToken}`).digest('hex');
}
