import type { FastifyRequest } from 'fastify';
import type { Route } from './options.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** As it is counted. */
    readonly route?: Route;
  }
}

export function routeOf({ routeOptions }: FastifyRequest): Route {
  return routeOptions.config.route ?? 'other';
}
