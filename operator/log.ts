import { type Logger, pino } from 'pino';

/**
 * JSON lines on stderr, written at once, so that a killed process has told all that it knew. The operator knows no
 * secret values; the redaction is a second net.
 */
const secrets = ['authorization', 'token', 'password', 'refreshToken', 'data', 'stringData'];

/** @param replica which replica, in every line */
export function createLog(level: string, replica: string): Logger {
  return pino(
    {
      level,
      base: { replica },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
