import type { Server, ServerOptions } from './options.ts';

/** Listens before it resolves. */
export function openServer(_options: ServerOptions): Promise<Server> {
  return Promise.reject(new Error('Not there yet'));
}
