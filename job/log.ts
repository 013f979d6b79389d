import { type Logger, pino } from 'pino';

/**
 * JSON lines on stderr, written at once, so that a killed process has told all that it knew. What must not be seen
 * is never handed to the logger; the redaction is a second net, not the first.
 */
const secrets = [
  'accessToken',
  'refreshToken',
  'authorization',
  'password',
  'clientSecret',
  'access_token',
  'refresh_token',
];

/** @param runId the correlation id, in every line */
export function createLog(level: string, runId: string): Logger {
  return pino(
    {
      level,
      base: { runId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
