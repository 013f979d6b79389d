import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { translated } from './pool.ts';

/** Events that wait for delivery. They were written with the status that they announce. */
const eventRow = z.object({
  id: z.string(),
  providerId: z.string(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  time: z.string(),
});

export type OutboxEvent = z.infer<typeof eventRow>;

/**
 * Hands undelivered events of a provider to `deliver`, the eldest first, until one is refused. Each is locked while
 * it is under way, so two runs do not deliver it side by side; after a crash it is delivered again.
 * @returns how many were delivered
 */
export async function deliverPending(
  pool: DatabasePool,
  providerId: string,
  deliver: (event: OutboxEvent) => Promise<boolean>,
): Promise<number> {
  for (let delivered = 0; ; delivered += 1) {
    const more = await translated(() =>
      pool.transaction(async (transaction) => {
        const event = await transaction.maybeOne(sql.type(eventRow)`
          SELECT "id"::text, "providerId"::text, "type", "data",
                 to_char("createdAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "time"
          FROM outlook_event_outbox WHERE "providerId" = ${providerId} AND "deliveredAt" IS NULL
          ORDER BY "createdAt" LIMIT 1 FOR UPDATE SKIP LOCKED`);
        if (!event) return false;
        const accepted = await deliver(event);
        await transaction.query(sql.type(z.object({}))`
          UPDATE outlook_event_outbox
          SET "attempts" = "attempts" + 1,
              "deliveredAt" = CASE WHEN ${accepted} THEN timezone('UTC', clock_timestamp()) END
          WHERE "id" = ${event.id}`);
        return accepted;
      }),
    );
    if (!more) return delivered;
  }
}
