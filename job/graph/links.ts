import { SyncError } from '../errors.ts';

/**
 * Cursors, nextLinks and Locations are persisted URLs to which a bearer token is sent: they are followed only on the
 * configured Graph origin. Graph sends absolute links; relative ones are read against the request that brought them,
 * or against the service root where they start with a resource of it or with its version.
 */

/** Whether `link` is absolute and on the origin of `baseUrl`, without credentials of its own. */
export function isOnOrigin(link: string, baseUrl: string): boolean {
  const url = URL.parse(link);
  if (url?.username !== '' || url.password !== '') return false;
  return url.origin === new URL(baseUrl).origin;
}

function resolve(link: string, requestUrl: string, baseUrl: string): URL | null {
  const root = new URL(baseUrl);
  if (/^(?:me|users)[/(]/i.test(link)) return URL.parse(`${baseUrl}/${link}`);
  if (root.pathname !== '/' && `/${link}`.startsWith(`${root.pathname}/`))
    return URL.parse(`${root.origin}/${link}`);
  if (link.startsWith('/') && !link.startsWith('//') && !link.startsWith(`${root.pathname}/`)) {
    return URL.parse(`${root.origin}${root.pathname.replace(/\/$/, '')}${link}`);
  }
  return URL.parse(link, requestUrl);
}

/**
 * The absolute form of a link that came with the answer to `requestUrl`.
 * @throws SyncError `ForeignLink` when it leads away from Graph; the link itself is not repeated, only its host
 */
export function graphLink(link: string, requestUrl: string, baseUrl: string): string {
  const url = resolve(link, requestUrl, baseUrl);
  if (url && isOnOrigin(url.href, baseUrl)) return url.href;
  const host = url === null ? 'no host' : JSON.stringify(url.host);
  throw new SyncError('ForeignLink', `Graph answered with a link to ${host}; it was not followed`);
}
