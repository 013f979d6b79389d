import { SyncError } from '../errors.ts';
import { expectSuccess, type GraphPage, readPage } from '../graph/page.ts';
import { type FolderIndex, isStopping, type SyncContext } from './context.ts';
import type { PageWriter } from './writer.ts';

/**
 * The newest messages first, so that an inbox shows something after one request. The list yields no cursor and is
 * no snapshot: the folder walks that follow begin at the start and are what completeness rests on; a row that this
 * list brings and a walk does not meet is verified like any other.
 */
const mostPages = 100;

export async function bootstrap(
  context: SyncContext,
  writer: PageWriter,
  rooms: { folders: FolderIndex; historyFrom: string | null },
): Promise<void> {
  const { client, urls, plan, log } = context;
  const first = (size: number): string => urls.recentMessages(Math.min(size, plan.maxMessages));
  let url: string | null = null;
  let left = plan.maxMessages;
  for (let pages = 0; left > 0 && !isStopping(context); pages += 1) {
    if (pages >= mostPages)
      throw new SyncError('PageLoop', 'Graph serves pages of recent messages without end');
    const answer = expectSuccess(await client.send({ url: url ?? first, pageSize: plan.maxMessages }));
    const page: GraphPage = readPage(answer, url ?? first(plan.maxMessages), client.baseUrl);
    const entries = page.entries.slice(0, left);
    const source = { ...rooms, folderId: null, onlyKnown: true };
    await writer.write({ source, entries, walk: null, after: null }).done;
    left -= entries.length;
    if (page.nextLink === null || page.entries.length === 0) break;
    url = page.nextLink;
  }
  log.info({ messages: plan.maxMessages - left }, 'Showed the newest messages');
}
