import { type Logger, pino } from 'pino';

/**
 * JSON lines on stderr, written at once, so that a killed process has told all that it knew. What is logged is chosen
 * so that it holds no secret; the redaction is a second net.
 */
const secrets = ['authorization', 'token', 'clientState', 'query', 'body', 'url'];

/** @param pod which replica, in every line */
export function createLog(level: string, pod: string): Logger {
  return pino(
    {
      level,
      base: { pod },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
