import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whose requests are counted together: an IPv4 address, or the /64 of an IPv6 address, of which one host has as many
 * as it likes.
 *
 * @param trustProxy takes the last address of X-Forwarded-For, which the proxy in front has added itself; those before
 *   it are whatever the sender wrote
 */
export function senderOf({ headers, socket }: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? lastForwarded(headers['x-forwarded-for']) : null;
  const address = forwarded ?? socket.remoteAddress ?? '';
  return address.includes(':') ? senderOfIPv6(address.toLowerCase()) : address;
}

function lastForwarded(header: string | string[] | undefined): string | null {
  const last =
    String(header ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  // Some proxies write the port as well.
  const found = [last, last.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')].find((one) => isIP(one) !== 0);
  return found ?? null;
}

function senderOfIPv6(address: string): string {
  // An IPv4 address, as a socket shows it that listens for both.
  if (/^::ffff:\d+\./.test(address)) return address.slice('::ffff:'.length);
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
