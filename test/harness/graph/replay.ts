/**
 * Rebuilds a mailbox from delta rounds alone, as a client has to: merge by key, verify removals by a GET, fetch what
 * a sparse entry names but nobody has seen. If this reproduces the mailbox, the simulator loses nothing.
 *
 * What is known by GET alone stays doubtful and is asked for again in every round, until the cursor of its folder has
 * told of it: a message that leaves before that need never be mentioned.
 */
import { errorCode, IMMUTABLE, itemsOf, link, type Answer, type Item, type Probe } from './probe.ts';

const SELECT = 'subject,isRead,categories,parentFolderId,internetMessageId';
const PATIENCE = 500;

export interface ReplayOptions {
  probe: Probe;
  immutable: boolean;
  /** Called before every request: where a test lets the mailbox change under the walk. */
  between?: () => void;
}

export class Replay {
  readonly #options: ReplayOptions;
  readonly messages = new Map<string, Item>();
  readonly #cursors = new Map<string, string>();
  #folderLink = '/me/mailFolders/delta';
  readonly #doubtful = new Set<string>();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async #get(url: string): Promise<Answer> {
    this.#options.between?.();
    const size = 'odata.maxpagesize=7';
    return this.#options.probe.get(url, this.#options.immutable ? `${IMMUTABLE}, ${size}` : size);
  }

  /** One pass over the folder list and every folder. */
  async poll(): Promise<void> {
    this.#folderLink =
      (await this.#follow(this.#folderLink, (folder) => {
        this.#noteFolder(folder);
      })) ?? this.#folderLink;
    for (const [folderId, url] of [...this.#cursors]) {
      const next = await this.#follow(url, (item) => this.#note(item));
      // A folder that vanished meanwhile: the folder list will tell.
      if (next !== undefined) this.#cursors.set(folderId, next);
    }
    this.#doubtInUnknownFolders();
    for (const id of [...this.#doubtful]) await this.#verify(id);
  }

  #noteFolder(folder: Item): void {
    if (folder['@removed'] === undefined) {
      const start = `/me/mailFolders/${folder.id}/messages/delta?$select=${SELECT}`;
      if (!this.#cursors.has(folder.id)) this.#cursors.set(folder.id, start);
      return;
    }
    this.#cursors.delete(folder.id);
    for (const [id, message] of this.messages) {
      if (message['parentFolderId'] === folder.id) this.#doubtful.add(id);
    }
  }

  /**
   * A message found by GET may lie in a folder that came and went between two rounds of the folder list, which then
   * need not mention it: nothing else would ever tell that the message went with it.
   */
  #doubtInUnknownFolders(): void {
    for (const [id, message] of this.messages) {
      if (!this.#cursors.has(String(message['parentFolderId']))) this.#doubtful.add(id);
    }
  }

  #note(item: Item): void {
    if (item['@removed'] !== undefined) {
      // A mutable id that is removed never comes back; an immutable one may lie elsewhere, or here again.
      if (this.#options.immutable) this.#doubtful.add(item.id);
      else this.messages.delete(item.id);
      return;
    }
    const known = this.messages.get(item.id);
    if (known === undefined && !('internetMessageId' in item)) this.#doubtful.add(item.id);
    else {
      this.messages.set(item.id, { ...known, ...item });
      this.#doubtful.delete(item.id);
    }
  }

  async #follow(url: string, note: (item: Item) => void): Promise<string | undefined> {
    let next = url;
    for (let page = 0; page < PATIENCE; page++) {
      const answer = await this.#get(next);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new Error(`${answer.status} ${errorCode(answer) ?? ''} at ${next}`);
      itemsOf(answer).forEach(note);
      const done = link(answer, 'deltaLink');
      if (done !== undefined) return done;
      next = link(answer, 'nextLink') ?? '';
    }
    throw new Error('The walk does not end.');
  }

  async #verify(id: string): Promise<void> {
    const answer = await this.#get(`/me/messages/${encodeURIComponent(id)}?$select=${SELECT}`);
    if (answer.status === 404) {
      this.messages.delete(id);
      this.#doubtful.delete(id);
    } else if (answer.status === 200) this.messages.set(id, answer.body as Item);
    else throw new Error(`${answer.status} ${errorCode(answer) ?? ''}`);
  }
}
