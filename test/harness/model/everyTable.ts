/** All that a database holds, to be compared as a whole: whoever may write nothing must leave it equal. */
import type { TestDatabase } from '../database.ts';

/** The rows of every table, as JSON texts in an order of their own, by table. */
export async function everyTable(database: TestDatabase): Promise<Record<string, string[]>> {
  const tables = await database.query<{ name: string }>(
    `SELECT quote_ident(table_name) AS "name" FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const contents: Record<string, string[]> = {};
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>(
      `SELECT to_jsonb(t)::text AS "row" FROM ${name} t ORDER BY 1`,
    );
    contents[name] = rows.map(({ row }) => row);
  }
  return contents;
}

/** Tables whose rows are others than before, in lines; empty when nothing was written. */
export function written(before: Record<string, string[]>, after: Record<string, string[]>): string[] {
  return Object.entries(after).flatMap(([name, rows]) => {
    const [old, young] = [new Set(before[name]), new Set(rows)];
    const [gone, come] = [old.difference(young).size, young.difference(old).size];
    return gone + come === 0 ? [] : [`${name}: ${gone} rows gone or changed, ${come} new or changed`];
  });
}
