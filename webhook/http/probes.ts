import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { plain } from './plain.ts';
import { wrongMethod } from './problem.ts';
import { refuse } from './refusals.ts';

/** @param missing what is waited for; null: nothing */
export function answerProbes(app: FastifyInstance, missing: () => string | null): void {
  const probe = (path: string, waitingFor: () => string | null): void => {
    app.all(path, { config: { route: 'probe' }, onRequest: onlyRead }, (_request, reply) => {
      const waits = waitingFor();
      return plain(reply, waits === null ? 200 : 503, `${waits ?? 'ok'}\n`);
    });
  };
  probe('/healthz', () => null);
  probe('/readyz', missing);
}

function onlyRead({ method }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  if (method === 'GET' || method === 'HEAD') done();
  else refuse(reply, wrongMethod('GET, HEAD'));
}
