// What no outcome of the job may show: tokens, secrets, keys, passwords, addresses and message content. Whatever a
// test runs, it asserts this of everything that the run said or left behind for people to read.
import { expect } from 'vitest';
import type { GraphSimulator } from '../../harness/graph/simulator.ts';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';

/** Shorter texts may turn up by chance. */
const shortestNeedle = 8;

interface Person {
  readonly emailAddress?: { readonly address?: unknown };
}

export class Secrets {
  /** By value; what it is, for the message of a failing test. */
  readonly #known = new Map<string, string>();

  add(what: string, value: unknown): void {
    if (typeof value === 'string' && value.length >= shortestNeedle) this.#known.set(value, what);
  }

  /** What an environment for the job holds. */
  addEnvironment(env: Readonly<Record<string, string>>): void {
    this.add('the client secret', env['OUTLOOK_CLIENT_SECRET']);
    this.add('the seed', env['OUTLOOK_REFRESH_TOKEN']);
    const database = URL.parse(env['DATABASE_URL'] ?? '');
    if (database !== null) this.add('the database password', decodeURIComponent(database.password));
    for (const key of (env['OUTLOOK_TOKEN_ENCRYPTION_KEYS'] ?? '').split(',')) {
      this.add('an encryption key', key.trim().replace(/^[^:]*:/, ''));
    }
  }

  /** Every access token that Graph is shown from now on. To be called before any other fault is scripted. */
  watch(graph: GraphSimulator): void {
    graph.faults.add({
      when: ({ headers }) => {
        this.add('an access token', headers['authorization']?.replace(/^Bearer /, ''));
        return false;
      },
      reply: {},
    });
  }

  /** The content, the people and the grants of a mailbox as they are now. */
  addMailbox(mailbox: SimulatedMailbox): void {
    this.add('the mailbox’s address', mailbox.email);
    this.add('a refresh token', mailbox.grants.current);
    this.add('a refresh token', mailbox.grants.latest);
    for (const message of mailbox.messages()) {
      this.add('a subject', message.subject);
      this.add('a preview', message.bodyPreview);
      const people = [message.from, message.toRecipients].flat() as (Person | null | undefined)[];
      for (const person of people) {
        this.add('an address', person?.emailAddress?.address);
      }
    }
  }

  /** The tokens, keys and passwords alone: what must not even be in the database in clear. */
  plaintextIn(text: string): string[] {
    const credentials = /token|seed|secret|key|password/;
    return [...this.#known]
      .filter(([value, what]) => credentials.test(what) && text.includes(value))
      .map(([, what]) => what);
  }

  assertUnseen(text: string, where: string): void {
    const seen = [...this.#known].filter(([value]) => text.includes(value)).map(([, what]) => what);
    expect(seen, `secrets in ${where}`).toEqual([]);
    expect(/\$(?:skip|delta)token=/i.test(text), `a cursor in ${where}`).toBe(false);
  }
}
