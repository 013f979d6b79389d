// What came back from Graph, told apart; links; clouds.
import { describe, expect, it } from 'vitest';
import {
  isNotFound,
  isReset,
  isUnsupported,
  parseBody,
  refusal,
  refusalFromText,
} from '../../../../job/graph/answer.ts';
import { cloudEndpoints } from '../../../../api/cloud.ts';
import { graphLink, isOnOrigin } from '../../../../job/graph/links.ts';

const body = (code: string): string => JSON.stringify({ error: { code, message: 'anything' } });

const nested = (key: string, code: string): string =>
  JSON.stringify({
    error: { code: 'BadRequest', message: '', [key]: { 'request-id': 'r', [key]: { code } } },
  });

describe('a reset', () => {
  it.each([
    [410, ''],
    [410, body('SyncStateNotFound')],
    [410, body('whatever')],
    [410, '<html>Gone</html>'],
    [400, body('syncStateNotFound')],
    [404, body('SyncStateNotFound')],
    [400, body('SYNCSTATEINVALID')],
    [409, body('resyncRequired')],
    [404, body('ErrorSyncFolderNotFound')],
    [400, nested('innererror', 'syncStateNotFound')],
    [400, nested('innerError', 'ResyncRequired')],
  ])('is %i %s', (status, text) => {
    expect(isReset(refusalFromText(status, text))).toBe(true);
  });

  it.each([
    [400, body('BadRequest')],
    [401, body('InvalidAuthenticationToken')],
    [403, body('ErrorAccessDenied')],
    [403, body('ErrorQuotaExceeded')],
    [404, body('ErrorItemNotFound')],
    [404, ''],
    [429, body('TooManyRequests')],
    [500, body('SyncStateNotFound')],
    [503, body('resyncRequired')],
    [400, JSON.stringify({ error: 'resyncRequired' })],
    [503, nested('innererror', 'syncStateNotFound')],
    [400, nested('details', 'syncStateNotFound')],
  ])('is not %i %s', (status, text) => {
    expect(isReset(refusalFromText(status, text))).toBe(false);
  });
});

describe('a refusal', () => {
  it('has Graph’s code in lower case, or none where the body is no error of Graph’s', () => {
    expect(refusal(400, JSON.parse(body('BadRequest')))).toMatchObject({
      ok: false,
      status: 400,
      code: 'badrequest',
      writtenCode: 'BadRequest',
      words: 'anything',
    });
    for (const text of ['', '<html>', 'null', '[]', '{"error":null}', '{"error":{"code":5}}']) {
      expect(refusalFromText(502, text).code).toBe('');
    }
  });

  it('of change tracking is no reset, and a message that is gone is no other thing', () => {
    const refused = refusalFromText(400, body('BadRequest'));
    expect(isUnsupported(refused)).toBe(true);
    expect(isUnsupported(refusalFromText(400, body('syncStateNotFound')))).toBe(false);
    expect(isUnsupported(refusalFromText(403, body('ErrorAccessDenied')))).toBe(false);
    expect(isNotFound(refusalFromText(404, ''))).toBe(true);
    expect(isNotFound(refusalFromText(410, ''))).toBe(false);
  });
});

describe('a body', () => {
  it('is undefined where it is no whole JSON', () => {
    for (const text of ['', '{"value":[', '<html></html>', '{"value":[]} trailing']) {
      expect(parseBody(text)).toBeUndefined();
    }
  });

  it('loses NULs and lone surrogates, keys included, and nothing else', () => {
    const text = String.raw`{"a\u0000b":["x\u0000y","\ud800","\udc00z","\ud83d\ude00","\\u0000"],"n":null,"t":true,"i":1.5}`;
    expect(parseBody(text)).toEqual({
      ab: ['xy', '\ufffd', '\ufffdz', '😀', String.raw`\u0000`],
      n: null,
      t: true,
      i: 1.5,
    });
  });
});

describe('a link', () => {
  const base = 'https://graph.microsoft.com/v1.0';
  const request = `${base}/me/mailFolders/AAA/messages/delta?$select=id`;

  it.each([
    [`${base}/me/messages?$skiptoken=a`, `${base}/me/messages?$skiptoken=a`],
    ['https://graph.microsoft.com:443/v1.0/me', `${base}/me`],
    ['HTTPS://GRAPH.MICROSOFT.COM/v1.0/me', `${base}/me`],
    ['/v1.0/me/messages?$skiptoken=a', `${base}/me/messages?$skiptoken=a`],
    ['/me/messages?$skiptoken=a', `${base}/me/messages?$skiptoken=a`],
    ['me/messages?$skiptoken=a', `${base}/me/messages?$skiptoken=a`],
    ['users/anna/messages', `${base}/users/anna/messages`],
    ["users('anna')/messages", `${base}/users('anna')/messages`],
    ['v1.0/me/messages?$skiptoken=a', `${base}/me/messages?$skiptoken=a`],
    ['?$skiptoken=a', `${base}/me/mailFolders/AAA/messages/delta?$skiptoken=a`],
  ])('%s is followed', (link, absolute) => {
    expect(graphLink(link, request, base)).toBe(absolute);
  });

  it.each([
    'https://graph.microsoft.com.evil.example/v1.0/me',
    'https://evil.example/v1.0/me',
    'http://graph.microsoft.com/v1.0/me',
    'https://graph.microsoft.com:8443/v1.0/me',
    'https://graph.microsoft.com@evil.example/v1.0/me',
    'https://user:pass@graph.microsoft.com/v1.0/me',
    'https://graph.microsoft.us/v1.0/me',
    '//evil.example/v1.0/me',
    '\\\\evil.example/v1.0/me',
    'https:\\\\evil.example/v1.0/me',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:application/json,{}',
    'https://[bad',
  ])('%s is not followed, and only its host is repeated', (link) => {
    expect(isOnOrigin(link, base)).toBe(false);
    try {
      graphLink(link, request, base);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ForeignLink' });
      expect(String(error)).not.toMatch(/pass|passwd|alert|\/me\b/);
    }
  });
});

describe('the four clouds', () => {
  it.each([
    ['Global', 'graph.microsoft.com', 'login.microsoftonline.com'],
    ['USGov', 'graph.microsoft.us', 'login.microsoftonline.us'],
    ['USGovDoD', 'dod-graph.microsoft.us', 'login.microsoftonline.us'],
    ['China', 'microsoftgraph.chinacloudapi.cn', 'login.chinacloudapi.cn'],
  ] as const)('%s has its own Graph, login and app-only scope', (cloud, graph, login) => {
    expect(cloudEndpoints(cloud, 'common')).toEqual({
      graphBaseUrl: `https://${graph}/v1.0`,
      tokenUrl: `https://${login}/common/oauth2/v2.0/token`,
      appScope: `https://${graph}/.default`,
    });
  });
});
