// The simulated Graph must refuse what Graph refuses, with the status and code a client would meet there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, errorCode, field, itemsOf, link, type Probe } from '../../harness/graph/probe.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let probe: Probe;

beforeAll(async () => {
  simulator = await startGraphSimulator();
  mailbox = simulator.addMailbox({ email: EMAIL, messages: 30, folders: 'rich', without: ['archive'] });
  simulator.addMailbox({ email: 'eve@contoso.example', messages: 1 });
  probe = createProbe(simulator, EMAIL);
});

afterAll(() => simulator.close());

async function outcome(url: string): Promise<string> {
  const answer = await probe.get(url);
  return `${answer.status} ${errorCode(answer) ?? ''}`.trim();
}

describe('resources', () => {
  it.each([
    ['/me/messages/delta', '400 BadRequest'],
    ['/me/nothing', '400 BadRequest'],
    ['/nobody', '400 BadRequest'],
    ['/me', '403 Authorization_RequestDenied'],
    ['/me/mailFolders/archive', '404 ErrorItemNotFound'],
    ['/me/mailFolders/clutter/messages/delta', '404 ErrorItemNotFound'],
    ['/me/mailFolders/nonsense/messages', '400 ErrorInvalidIdMalformed'],
    ['/me/messages/nonsense', '400 ErrorInvalidIdMalformed'],
    ['/me/messages/%zz', '400 BadRequest'],
    [`/me/messages/${'A'.repeat(140)}%3D`, '404 ErrorItemNotFound'],
    ['/users/eve@contoso.example/messages', '403 ErrorAccessDenied'],
    ['/users/nobody@contoso.example/messages', '403 ErrorAccessDenied'],
    [`/users/${EMAIL.toUpperCase()}/mailFolders/INBOX`, '200'],
    ["/me/mailfolders('inbox')/messages/delta()", '200'],
  ])('%s: %s', async (url, expected) => {
    expect(await outcome(url)).toBe(expected);
  });

  it('words the refusal of mailbox-wide change tracking as the service does', async () => {
    const error = field((await probe.get('/me/messages/delta')).body, 'error');
    expect(Object.keys(Object(field(error, 'innerError')) as object)).toEqual([
      'date',
      'request-id',
      'client-request-id',
    ]);
    expect(error).toMatchObject({
      message: "Unsupported request: Change tracking is not supported against 'microsoft.graph.message'",
    });
  });

  it('treats ids as case-sensitive: pairs differ by the case of one letter', async () => {
    const ids = mailbox.messages().map((message) => message.id);
    expect(new Set(ids).size).toBe(30);
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(15);
    const upper = ids[0] ?? '';
    const answer = await probe.get(`/me/messages/${encodeURIComponent(upper)}`);
    expect(field(answer.body, 'id')).toBe(upper);
    expect(await outcome(`/me/messages/${encodeURIComponent(upper.toLowerCase())}`)).toBe(
      '404 ErrorItemNotFound',
    );
  });

  it('grants no writing', async () => {
    const id = mailbox.messages()[0]?.id ?? '';
    const answers = [
      await probe.send('PATCH', `/me/messages/${id}`, { isRead: true }),
      await probe.send('DELETE', `/me/messages/${id}`),
      await probe.send('POST', '/me/messages', {}),
    ];
    expect(answers.map((answer) => [answer.status, errorCode(answer)])).toEqual(
      Array.from({ length: 3 }, () => [403, 'ErrorAccessDenied']),
    );
  });

  it('hides the master list where the grant lacks MailboxSettings.Read', async () => {
    expect(itemsOf(await probe.get('/me/outlook/masterCategories')).map((one) => one['color'])).toContain(
      'preset9',
    );
    mailbox.masterCategoriesReadable = false;
    expect(await outcome('/me/outlook/masterCategories')).toBe('403 ErrorAccessDenied');
  });
});

describe('query options', () => {
  it.each([
    ['/me/messages?$top=0', '400 ErrorInvalidUrlQuery'],
    ['/me/messages?$top=1001', '400 ErrorInvalidUrlQuery'],
    ['/me/messages?$top=ten', '400 BadRequest'],
    ['/me/messages?$skip=-1', '400 ErrorInvalidUrlQuery'],
    ['/me/messages?$top=1&$top=2', '400 BadRequest'],
    ['/me/messages?$count=true', '400 BadRequest'],
    ['/me/messages?$unheard=of', '400 BadRequest'],
    ['/me/messages?$select=subject,colour', '400 RequestBroker--ParseUri'],
    ['/me/messages?$select=id,@removed', '400 RequestBroker--ParseUri'],
    ['/me/messages?$filter=receivedDateTime%20around%20now', '400 BadRequest'],
    ['/me/messages?$filter=isRead%20eq%20false&$orderby=receivedDateTime%20desc', '400 InefficientFilter'],
    ['/me/messages?$filter=receivedDateTime%20ge%202020-01-01&$orderby=subject', '400 InefficientFilter'],
    ['/me/messages?$filter=receivedDateTime%20ge%202020-01-01&$orderby=receivedDateTime%20desc', '200'],
    ['/me/mailFolders/inbox/messages/delta?$select=id,@removed', '400 RequestBroker--ParseUri'],
    [
      '/me/mailFolders/inbox/messages/delta?$filter=receivedDateTime+ge+2022-09-23',
      '400 ErrorInvalidUrlQuery',
    ],
    ['/me/mailFolders/inbox/messages/delta?$filter=isRead%20eq%20false', '400 ErrorInvalidUrlQuery'],
    ['/me/mailFolders/inbox/messages/delta?$filter=receivedDateTime+ge+2022-09-23T00:00:00Z', '200'],
    [
      '/me/mailFolders/inbox/messages/delta?$filter=receivedDateTime+le+2022-09-23T00:00:00Z',
      '400 ErrorInvalidUrlQuery',
    ],
    ['/me/mailFolders/inbox/messages/delta?$orderby=subject', '400 ErrorInvalidUrlQuery'],
    ['/me/mailFolders/inbox/messages/delta?$orderby=receivedDateTime+desc', '200'],
    ['/me/mailFolders/inbox/messages/delta?$search=%22x%22', '400 BadRequest'],
    ['/me/mailFolders/inbox/messages/delta?$skip=5', '400 BadRequest'],
    ['/me/mailFolders/inbox/messages/delta?$deltatoken=made-up', '400 BadRequest'],
    ['/me/mailFolders/delta?$filter=displayName%20eq%20x', '400 BadRequest'],
    ['/me/mailFolders/delta?$select=wellKnownName', '400 RequestBroker--ParseUri'],
  ])('%s: %s', async (url, expected) => {
    expect(await outcome(url)).toBe(expected);
  });

  it('refuses options added to a tokened link, and tokens out of place', async () => {
    const first = await probe.get('/me/mailFolders/inbox/messages/delta?$select=subject');
    const next = link(first, 'nextLink') ?? '';
    expect(await outcome(`${next}&$select=subject,isRead`)).toBe('400 BadRequest');
    expect(await outcome(`${next}&$top=5`)).toBe('400 BadRequest');
    expect(await outcome(next.replace('$skiptoken', '$deltatoken'))).toBe('400 BadRequest');
    expect(await outcome(next.replace('/inbox/', '/drafts/'))).toBe('400 BadRequest');
    expect(await outcome(next.slice(0, -2))).toBe('400 BadRequest');
    expect(await outcome(next)).toBe('200');
  });
});

describe('bearers', () => {
  it('answers 401 with a challenge for none, an unknown and an expired one', async () => {
    const url = `${simulator.graphBaseUrl}/me/messages`;
    expect((await fetch(url)).status).toBe(401);
    const unknown = await createProbe(simulator, EMAIL, 'made-up').get('/me/messages');
    expect([unknown.status, errorCode(unknown)]).toEqual([401, 'InvalidAuthenticationToken']);
    expect(unknown.headers.get('www-authenticate')).toMatch(/^Bearer /);
    const old = createProbe(simulator, EMAIL);
    simulator.expireAccessTokens();
    expect((await old.get('/me/messages')).status).toBe(401);
    probe = createProbe(simulator, EMAIL);
  });

  it('gives an app-only bearer every user by name or id, and no /me', async () => {
    const app = createProbe(simulator, EMAIL, simulator.issueAccessToken());
    const refused = await app.get('/me/messages');
    expect([refused.status, errorCode(refused)]).toEqual([400, 'BadRequest']);
    expect((await app.get('/users/eve@contoso.example/messages')).status).toBe(200);
    expect((await app.get(`/users/${mailbox.userId}/mailFolders/delta`)).status).toBe(200);
    const nobody = await app.get('/users/nobody@contoso.example/messages');
    expect([nobody.status, errorCode(nobody)]).toEqual([404, 'ErrorInvalidUser']);
  });
});

describe('national clouds and options', () => {
  it('refuses the folder list delta where it does not exist and serves the mailbox delta where it is allowed', async () => {
    const other = await startGraphSimulator({ allowFolderListDelta: false, allowMailboxDelta: true });
    try {
      const everything = other.addMailbox({ email: EMAIL, messages: 25 });
      const client = createProbe(other, EMAIL);
      const folders = await client.get('/me/mailFolders/delta');
      expect([folders.status, errorCode(folders)]).toEqual([400, 'BadRequest']);
      const walk = await client.walk('/me/messages/delta?$select=subject,parentFolderId');
      expect(walk.items.map((item) => item.id).sort()).toEqual(
        everything
          .messages()
          .map((one) => one.id)
          .sort(),
      );
      const id = walk.items[0]?.id ?? '';
      everything.moveMessage(id, 'archive');
      const archive = everything.wellKnown('archive')?.id;
      expect((await client.walk(walk.deltaLink)).items).toMatchObject([{ id, parentFolderId: archive }]);
    } finally {
      await other.close();
    }
  });
});
