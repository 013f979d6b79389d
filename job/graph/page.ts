import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { selectedProperties } from '../plan/message.ts';
import type { Answer, Refusal, Success } from './answer.ts';
import { graphLink } from './links.ts';

/**
 * Lists and deltas of Graph: the URLs that begin them, and what a page of one is. Options go on the first request
 * only, for Graph bakes them into its tokens; `Prefer` goes on every one. `$top` is unreliable on a delta
 * (microsoft-graph-docs#6006), hence `odata.maxpagesize`.
 */
export interface GraphPage {
  readonly entries: readonly unknown[];
  /** The next page of this walk, absolute; or null. */
  readonly nextLink: string | null;
  /** Where the next round begins, absolute; or null. */
  readonly deltaLink: string | null;
  readonly size: number;
}

const pageBody = z.object({
  value: z.array(z.unknown()),
  '@odata.nextLink': z.string().min(1).nullish(),
  '@odata.deltaLink': z.string().min(1).nullish(),
});

/**
 * @throws SyncError `GraphResponseInvalid` when the answer is no page, `ForeignLink` when its link leads away
 */
export function readPage(answer: Success, requestUrl: string, baseUrl: string): GraphPage {
  const parsed = pageBody.safeParse(answer.body);
  if (!parsed.success)
    throw new SyncError('GraphResponseInvalid', 'Graph answered with something that is no page');
  const { value, '@odata.nextLink': next, '@odata.deltaLink': delta } = parsed.data;
  return {
    entries: value,
    nextLink: next ? graphLink(next, requestUrl, baseUrl) : null,
    deltaLink: delta && !next ? graphLink(delta, requestUrl, baseUrl) : null,
    size: answer.size,
  };
}

/** As `readPage`, for a delta, whose every page has a link to go on from. */
export function readDeltaPage(answer: Success, requestUrl: string, baseUrl: string): GraphPage {
  const page = readPage(answer, requestUrl, baseUrl);
  if (page.nextLink !== null || page.deltaLink !== null) return page;
  throw new SyncError('GraphResponseInvalid', 'Graph answered a delta without a nextLink or deltaLink');
}

const notAnAuthFailure = new Set(['errorquotaexceeded']);
const noMailbox = new Set([
  'errorinvaliduser',
  'errorusernotfound',
  'mailboxnotenabledforrestapi',
  'errornonexistentmailbox',
  'request_resourcenotfound',
]);

/** What a refusal means where no special meaning was expected. */
export function unexpectedRefusal({ status, code }: Refusal): SyncError {
  const named = `${status}${code === '' ? '' : ` ${code}`}`;
  if (notAnAuthFailure.has(code)) {
    return new SyncError(
      'MailboxQuotaExceeded',
      `The mailbox is over its quota, so Graph keeps no delta (${named})`,
    );
  }
  if (noMailbox.has(code)) return new SyncError('MailboxNotFound', `Graph finds no such mailbox (${named})`);
  if (status === 403) return new SyncError('AccessDenied', `Graph denies access to the mailbox (${named})`);
  return new SyncError('GraphRequestRefused', `Graph refused a request (${named})`);
}

export function expectSuccess(answer: Answer): Success {
  if (answer.ok) return answer;
  throw unexpectedRefusal(answer);
}

/** URLs of one mailbox: `/me`, or `/users/{id}` for an app-only token, for which there is no `/me`. */
export class MailboxUrls {
  readonly #root: string;
  /** The same, relative to the service root: what a batch takes, and what stored cursors belong to. */
  readonly path: string;

  constructor(baseUrl: string, user: string | null) {
    this.path = user === null ? '/me' : `/users/${encodeURIComponent(user)}`;
    this.#root = `${baseUrl}${this.path}`;
  }

  recentMessages(count: number): string {
    const order = '$orderby=receivedDateTime%20desc';
    return `${this.#root}/messages?$top=${count}&${order}&$select=${selectedProperties.join(',')}`;
  }

  mailboxDelta(from: string | null): string {
    return `${this.#root}/messages/delta?${deltaOptions(from)}`;
  }

  folderDelta(folderId: string, from: string | null): string {
    return `${this.#root}/mailFolders/${encodeURIComponent(folderId)}/messages/delta?${deltaOptions(from)}`;
  }

  folderList(): string {
    return `${this.#root}/mailFolders/delta?$select=displayName,parentFolderId`;
  }

  childFolders(folderId: string | null, count: number): string {
    const parent = folderId === null ? '' : `/${encodeURIComponent(folderId)}/childFolders`;
    return `${this.#root}/mailFolders${parent}?$top=${count}&$select=displayName,parentFolderId,childFolderCount`;
  }

  masterCategories(): string {
    return `${this.#root}/outlook/masterCategories`;
  }

  /** For a batch. */
  message(id: string): string {
    return `${this.path}/messages/${encodeURIComponent(id)}?$select=${selectedProperties.join(',')}`;
  }

  /** For a batch; takes a well-known name as well. */
  folder(id: string): string {
    return `${this.path}/mailFolders/${encodeURIComponent(id)}?$select=displayName,parentFolderId`;
  }
}

function deltaOptions(from: string | null): string {
  const select = `$select=${selectedProperties.join(',')}`;
  return from === null ? select : `${select}&$filter=receivedDateTime%20ge%20${encodeURIComponent(from)}`;
}
