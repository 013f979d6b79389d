import type { FastifyReply } from 'fastify';

/** Text that no browser takes for anything else. */
export function plain(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .code(status)
    .headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    .type('text/plain; charset=utf-8')
    .send(text);
}
