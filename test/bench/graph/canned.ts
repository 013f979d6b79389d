// The canned Graph as a benchmark has it: an address, a behaviour that it is told, and what it has served.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startCompanion } from '../companion.ts';
import type { Layout } from './mailbox.ts';

const statisticsSchema = z.object({
  /** HTTP requests, those to the login included. */
  requests: z.number(),
  deltaPages: z.number(),
  /** Messages on delta pages. */
  messages: z.number(),
  /** Of all bodies. */
  bytes: z.number(),
  /** When the first request to Graph came, by the clock of clock.ts; 0 for never. */
  firstAtMs: z.number(),
  /** What was asked for that the mailbox does not have: a benchmark that sees any measures something else. */
  unexpected: z.array(z.string()),
});

interface Behaviour {
  /** Of the mailbox, over all folders. */
  readonly messages: number;
  /** Default: usual. */
  readonly layout?: Layout;
  /** Milliseconds before a full page of messages; less for a smaller one. Default: none. */
  readonly delayMs?: number;
  /** Rounds over all messages that each delta has; those after the first replay it. Default: 1. */
  readonly rounds?: number;
}

export interface CannedGraph {
  readonly graphBaseUrl: string;
  readonly tokenUrl: string;
  /** Tells what to serve from now on, and forgets the statistics. */
  readonly serve: (behaviour: Behaviour) => Promise<void>;
  /** What was served since; rejects when anything was asked for that the mailbox does not have. */
  readonly served: () => Promise<z.infer<typeof statisticsSchema>>;
  readonly close: () => Promise<void>;
}

export async function startCannedGraph(): Promise<CannedGraph> {
  const companion = startCompanion(fileURLToPath(new URL('./server.ts', import.meta.url)));
  const listening = z.object({ port: z.number() });
  const { port } = await companion.ask({}, listening);
  const origin = `http://127.0.0.1:${port}`;
  return {
    graphBaseUrl: `${origin}/v1.0`,
    tokenUrl: `${origin}/token`,
    serve: async ({ messages, layout = 'usual', delayMs = 0, rounds = 1 }) => {
      await companion.ask({ behaviour: { messages, layout, delayMs, rounds } }, listening);
    },
    served: async () => {
      const statistics = await companion.ask({ statistics: true }, statisticsSchema);
      if (statistics.unexpected.length === 0) return statistics;
      throw new Error(`The canned Graph was asked for ${statistics.unexpected.slice(0, 5).join(', ')}`);
    },
    close: companion.close,
  };
}
