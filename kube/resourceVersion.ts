/**
 * Whether a version is older than another one of the same collection. Versions are whole numbers that grow; of what is
 * no number, or missing, nothing is known, and the answer is no.
 */
export function isOlder(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined || !isNumber(version) || !isNumber(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

function isNumber(version: string): boolean {
  return /^[1-9]\d*$/.test(version);
}
