import { randomUUID } from 'node:crypto';

const sane = /^[\w.:-]{1,64}$/;

/** The sender's own where it is short and can stand in any log, else a new one. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && sane.test(given) ? given : randomUUID();
}
