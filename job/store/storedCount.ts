import { type DatabasePool, sql } from 'slonik';
import * as z from 'zod';
import { translated } from './pool.ts';

/** How many messages of a provider are stored; answered from the index that its ids are unique by. */
export async function storedCount(pool: DatabasePool, providerId: string): Promise<number> {
  const { count } = await translated(() =>
    pool.one(sql.type(z.object({ count: z.number() }))`
      SELECT count(*)::int AS "count" FROM external_email_messages WHERE "providerId" = ${providerId}`),
  );
  return count;
}
