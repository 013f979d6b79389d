import { type ErrorCode, Interrupted, SyncError } from '../errors.ts';

/**
 * What a failure of the database means. The text of a Postgres error may quote a value (`Key (…)=(…)`), so only its
 * SQLSTATE is ever repeated. Source of the codes: PostgreSQL documentation, appendix A.
 */

const messages: Partial<Record<ErrorCode, string>> = {
  DatabaseUnreachable: 'The database of DATABASE_URL cannot be reached',
  DatabaseConnectionLost: 'The connection to the database was lost',
  DatabaseAuthenticationFailed: 'The database refused the user or password of DATABASE_URL',
  DatabaseTlsFailed:
    'The database and DATABASE_URL (sslmode) do not agree on TLS, or its certificate is not trusted',
  DatabaseMissing: 'The database that DATABASE_URL names does not exist',
  DatabaseReadOnly: 'The database is read-only; DATABASE_URL must name the primary',
  DatabaseNotMigrated: 'The database lacks a table or column of this version; run `job migrate`',
};

const bySqlState: readonly [pattern: RegExp, code: ErrorCode][] = [
  [/^28/, 'DatabaseAuthenticationFailed'],
  [/^3D/, 'DatabaseMissing'],
  [/^25006/, 'DatabaseReadOnly'],
  [/^(?:42P01|42703|3F000)/, 'DatabaseNotMigrated'],
  [/^(?:08|57P01|57P02|57P05)/, 'DatabaseConnectionLost'],
  [/^(?:57P03|53300)/, 'DatabaseUnreachable'],
];

const unreachable = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOENT|EACCES)$/;
const tls = /^(?:ERR_TLS_|ERR_SSL_|CERT_|.*SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)_)/;
const lost = /^(?:ECONNRESET|EPIPE)$/;

/** The errors from the outermost to the root cause; an AggregateError (several addresses tried) counts as its first. */
function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  let current: unknown = error;
  while (current instanceof Error && chain.length < 10) {
    chain.push(current);
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return chain;
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The SQLSTATE of a failed statement: five characters, or undefined where Postgres gave none. */
function sqlState(error: unknown): string | undefined {
  return causes(error)
    .map(codeOf)
    .find((code) => code !== undefined && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code));
}

function classify(error: unknown): ErrorCode | undefined {
  const state = sqlState(error);
  const known = bySqlState.find(([pattern]) => state !== undefined && pattern.test(state));
  if (known) return known[1];
  if (state !== undefined) return 'DatabaseFailed';
  const chain = causes(error);
  const codes = chain.map((one) => codeOf(one) ?? '');
  if (codes.some((code) => unreachable.test(code))) return 'DatabaseUnreachable';
  if (codes.some((code) => lost.test(code))) return 'DatabaseConnectionLost';
  if (codes.some((code) => tls.test(code))) return 'DatabaseTlsFailed';
  const names = chain.map((one) => `${one.name} ${one.message}`).join(' ');
  if (/does not support SSL|SSL connection|certificate/i.test(names)) return 'DatabaseTlsFailed';
  if (/timeout expired|ConnectionError/i.test(names)) return 'DatabaseUnreachable';
  if (/Connection terminated|BackendTerminated|server closed|not queryable|connection ended/i.test(names)) {
    return 'DatabaseConnectionLost';
  }
  return undefined;
}

/** Leaves what is not the database's failure as it is. */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof SyncError || error instanceof Interrupted) return error;
  const code = classify(error);
  if (code === undefined) return error;
  const state = sqlState(error);
  const message = messages[code] ?? 'The database failed a statement';
  return new SyncError(code, state === undefined ? message : `${message} (SQLSTATE ${state})`, {
    cause: error,
  });
}

/**
 * Whether one of the rows of a bulk statement is to blame (a value out of range, too long, against a constraint),
 * so that leaving it out lets the others in.
 */
export function isRowsFault(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && /^(?:22|23|54)/.test(state);
}
