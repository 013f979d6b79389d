// A companion: the least that a webhook for Graph can be on this Node. It reads a body, parses it, and answers 202; it
// neither looks who speaks nor does anything about what is said.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerRequests } from '../companion.ts';

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { value } = JSON.parse(Buffer.concat(parts).toString()) as { value?: unknown };
    response.statusCode = Array.isArray(value) ? 202 : 400;
    response.end();
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
answerRequests(() => ({ port }));
