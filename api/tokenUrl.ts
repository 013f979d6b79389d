/**
 * Whether `host` (as `URL.hostname` gives it) is this machine or can only mean something inside a cluster: loopback,
 * a name without dots, or a name below `.svc`, `.svc.cluster.local` or `.cluster.local`.
 */
function isInternalHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name)) return true;
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (name.includes(':')) return false;
  return !name.includes('.') || /\.(?:svc|cluster\.local)$/.test(name);
}

/** Whether tokens may travel to a URL: by https, or by plain http where nobody outside can listen. */
export function isTokenUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url?.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isInternalHost(url.hostname));
}
