// Programs that a benchmark needs beside itself, each in a process of its own so that its work is not counted as
// that of what is measured: started here, asked by messages, ended with the benchmark.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export interface Companion {
  /** Sends a request and resolves to the answer, as `schema` reads it; rejects with the companion's own error. */
  readonly ask: <T>(request: object, schema: z.ZodType<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

const answerLimitMs = 60_000;
const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

const reply = z.object({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() });
const enquiry = z.object({ id: z.number(), request: z.unknown() });

/** Starts the program `file`, whose last act at start is to call `answerRequests`. */
export function startCompanion(file: string): Companion {
  const child = fork(runner, [file], { stdio: ['ignore', 2, 2, 'ipc'] });
  const waiting = new Map<number, (answer: z.infer<typeof reply>) => void>();
  let asked = 0;
  child.on('message', (message) => {
    const answer = reply.parse(message);
    waiting.get(answer.id)?.(answer);
  });
  child.once('exit', () => {
    for (const [id, settle] of waiting) settle({ id, error: `${file} has ended` });
  });
  const ask = async <T>(request: object, schema: z.ZodType<T>): Promise<T> => {
    const id = ++asked;
    const answer = await new Promise<z.infer<typeof reply>>((resolve) => {
      const tooLate = setTimeout(() => resolve({ id, error: `${file} does not answer` }), answerLimitMs);
      waiting.set(id, (settled) => {
        clearTimeout(tooLate);
        waiting.delete(id);
        resolve(settled);
      });
      child.send({ id, request }, (failed) => {
        if (failed) waiting.get(id)?.({ id, error: failed.message });
      });
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return schema.parse(answer.value);
  };
  return { ask, close: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** For the companion's own side: answers each request in turn, and ends when the benchmark has ended. */
export function answerRequests(answer: (request: unknown) => unknown): void {
  process.on('message', (message) => {
    const { id, request } = enquiry.parse(message);
    Promise.try(answer, request).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.once('disconnect', () => process.exit());
}
