// A companion: the way to Postgres with a millisecond more, as between two nodes.
import { z } from 'zod';
import { tcpProxy } from '../../harness/tcpProxy.ts';
import { answerRequests } from '../companion.ts';

const request = z.object({ targetUrl: z.string(), delayMs: z.number() });

answerRequests(async (asked) => {
  const { targetUrl, delayMs } = request.parse(asked);
  const { url } = await tcpProxy(targetUrl, { delayMs: { toServer: delayMs, toClient: 0 } });
  return { url };
});
