// What is refused before anything is read, by the address and the path alone.
import type { FastifyRequest } from 'fastify';
import type { Problem } from './problem.ts';
import { RateLimit } from './rateLimit.ts';
import { routeOf } from './route.ts';
import { senderOf } from './sender.ts';

const notFound: Problem = { kind: 'notFound', detail: 'No such path.' };
const tooMany: Problem = {
  kind: 'tooMany',
  detail: 'This address has sent too many requests.',
  headers: { 'retry-after': '1' },
};

export class Door {
  readonly #rate: RateLimit;
  readonly #isLimited: boolean;
  readonly #trustProxy: boolean;

  /** @param ratePerSecond of one address; 0: none. Probes are not counted. */
  constructor(ratePerSecond: number, trustProxy: boolean) {
    this.#rate = new RateLimit(ratePerSecond);
    this.#isLimited = ratePerSecond > 0;
    this.#trustProxy = trustProxy;
  }

  refusalOf(request: FastifyRequest): Problem | null {
    if (routeOf(request) === 'probe') return null;
    if (this.#isLimited && !this.#rate.admits(senderOf(request.raw, this.#trustProxy), Date.now())) {
      return tooMany;
    }
    return request.is404 ? notFound : null;
  }
}
