import { isIPv6 } from 'node:net';

/**
 * Whether `host` (as `URL.hostname` gives it) is this machine or can only mean something inside a cluster: loopback,
 * a name without dots, or a name below `.svc`, `.svc.cluster.local` or `.cluster.local`. Only there may tokens travel
 * over plain `http:`.
 */
export function isInternalHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name)) return true;
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv6(name)) return false;
  return !name.includes('.') || /\.(?:svc|cluster\.local)$/.test(name);
}
