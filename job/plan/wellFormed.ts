/**
 * Postgres stores neither NUL (SQLSTATE 22021, 22P05) nor a lone surrogate; mail holds both (twentyhq/twenty#13366).
 * NULs are removed, lone surrogates replaced, so that the message is stored.
 */
export function wellFormed(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/**
 * Whether JSON text can hold such characters at all: they only come as escapes, for decoding UTF-8 yields no
 * lone surrogate and JSON allows no raw NUL. Spares the clean page, which is nearly every one, a walk.
 */
export function mayBeIllFormed(json: string): boolean {
  return /\\u(?:0000|d[89a-f])/i.test(json);
}

/** The same JSON value with every string in it, keys included, made well-formed. */
export function deepWellFormed(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (Array.isArray(value)) return value.map(deepWellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [wellFormed(key), deepWellFormed(inner)]),
  );
}
