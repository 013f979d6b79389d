import type { DatabasePool } from 'slonik';
import * as z from 'zod';
import { SyncError } from '../errors.ts';
import type { GraphClient } from '../graph/client.ts';
import type { MailboxUrls } from '../graph/page.ts';
import { categoryColor, isSystemLabel, unread } from '../plan/labels.ts';
import { wellFormed } from '../plan/wellFormed.ts';
import { loadLabels } from '../store/labels.ts';
import { translated } from '../store/pool.ts';

/**
 * The labels that the database has, and the colours that Outlook gives its categories. The master list needs the
 * permission MailboxSettings.Read, which an app may well lack: then labels have the inbox's default colour. It is
 * read when a category turns up that has no label yet, and once a day for colours that have changed.
 */
const masterList = z.object({
  value: z.array(z.object({ displayName: z.string(), color: z.string() }).or(z.unknown())),
});
const category = z.object({ displayName: z.string(), color: z.string() });

const always = ['INBOX', unread];

export class Categories {
  readonly colors = new Map<string, string>();
  readonly #client: GraphClient;
  readonly #urls: MailboxUrls;
  readonly #known: Map<string, string | null>;
  #reading: Promise<void> | null = null;

  private constructor(client: GraphClient, urls: MailboxUrls, known: Map<string, string | null>) {
    this.#client = client;
    this.#urls = urls;
    this.#known = known;
  }

  static async load(
    pool: DatabasePool,
    providerId: string,
    graph: { client: GraphClient; urls: MailboxUrls },
  ): Promise<Categories> {
    const known = await translated(() => loadLabels(pool, providerId));
    return new Categories(graph.client, graph.urls, known);
  }

  /** Reads the master list when one of `labels` is a category without a label yet. */
  async learn(labels: readonly string[]): Promise<void> {
    if (labels.some((label) => !this.#known.has(label) && !isSystemLabel(label))) await this.read();
  }

  /** Reads the master list, once a run. */
  async read(): Promise<void> {
    this.#reading ??= this.#read();
    await this.#reading;
  }

  /** Whether this run has read the master list. */
  get wasRead(): boolean {
    return this.#reading !== null;
  }

  /** A colour is never worth a failed sync. */
  async #read(): Promise<void> {
    const answer = await this.#client.send({ url: this.#urls.masterCategories() }).catch((error: unknown) => {
      if (error instanceof SyncError) return null;
      throw error;
    });
    const parsed = masterList.safeParse(answer?.ok === true ? answer.body : null);
    for (const one of parsed.success ? parsed.data.value : []) {
      const { success, data } = category.safeParse(one);
      const color = success ? categoryColor(data.color) : null;
      if (success && color !== null) this.colors.set(wellFormed(data.displayName), color);
    }
  }

  /** Of `labels` and those that every mailbox has, the ones without a row. */
  unknown(labels: readonly string[]): string[] {
    return [...new Set([...always, ...labels])].filter((label) => !this.#known.has(label));
  }

  /** Categories whose row has another colour than Outlook. */
  recolored(): string[] {
    return [...this.#known].flatMap(([label, color]) => {
      const current = this.colors.get(label);
      return current === undefined || current === color ? [] : [label];
    });
  }

  /** Whether there is any category label at all. */
  get inUse(): boolean {
    return [...this.#known.keys()].some((label) => !isSystemLabel(label));
  }

  stored(labels: readonly string[]): void {
    for (const label of labels) this.#known.set(label, this.colors.get(label) ?? null);
  }
}
