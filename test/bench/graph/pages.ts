// The delta of each folder: pages cut out of its messages, rendered once and kept while the mailbox is of a size to
// keep. What a link means stands in the link alone: the round and the offset of a nextLink, the round of a deltaLink.
import { type BenchFolder, messageJson } from './mailbox.ts';

export interface DeltaQuery {
  readonly folder: BenchFolder;
  /** The delta's address, without a query. */
  readonly address: string;
  readonly query: URLSearchParams;
  readonly pageSize: number;
  /** How many rounds over all messages there are; each after the first is a replay of it. */
  readonly rounds: number;
}

/** A page as its beginning, which differs from request to request, and the JSON of its messages. */
export interface RenderedPage {
  readonly head: string;
  readonly value: Buffer;
  readonly messages: number;
}

const mostKept = 100_000;
const nothing = Buffer.from('[]}');

/** Renders `count` messages from `offset` as the end of a page's JSON. */
export function renderMessages(folder: BenchFolder, offset: number, count: number): Buffer {
  const entries = Array.from({ length: count }, (_, index) => messageJson(folder, offset + index));
  return Buffer.from(`[${entries.join(',')}]}`);
}

/** Pages of one mailbox; what it keeps is dropped with it. */
export class DeltaPages {
  readonly #kept = new Map<string, Buffer>();
  readonly #keeps: boolean;

  constructor(messages: number) {
    this.#keeps = messages <= mostKept;
  }

  page({ folder, address, query, pageSize, rounds }: DeltaQuery): RenderedPage {
    const done = Number(query.get('$deltatoken') ?? 0);
    if (done >= rounds) return page(`"@odata.deltaLink":"${address}?$deltatoken=${done}"`, nothing, 0);
    const [round = done + 1, offset = 0] = query.get('$skiptoken')?.split('.').map(Number) ?? [];
    const count = Math.max(0, Math.min(pageSize, folder.messages - offset));
    const end = offset + count;
    const link =
      end < folder.messages
        ? `"@odata.nextLink":"${address}?$skiptoken=${round}.${end}"`
        : `"@odata.deltaLink":"${address}?$deltatoken=${round}"`;
    return page(link, this.#messages(folder, offset, count), count);
  }

  #messages(folder: BenchFolder, offset: number, count: number): Buffer {
    const key = `${folder.id} ${offset} ${count}`;
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const rendered = renderMessages(folder, offset, count);
    if (this.#keeps) this.#kept.set(key, rendered);
    return rendered;
  }
}

function page(link: string, value: Buffer, messages: number): RenderedPage {
  return { head: `{"@odata.context":"$metadata#Collection(message)",${link},"value":`, value, messages };
}
