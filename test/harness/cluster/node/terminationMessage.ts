// The words that a container leaves behind, with the kubelet's limits.
import { type FileHandle, open } from 'node:fs/promises';

const MESSAGE_BYTES = 4096;
const LOG_BYTES = 2048;
const LOG_LINES = 80;

/** `fallback`: the log to quote the end of, from where this run began, when the container has left no message. */
export async function terminationMessage(
  file: string,
  fallback: { readonly log: FileHandle; readonly from: number } | undefined,
): Promise<string> {
  const message = await firstBytes(file);
  if (message !== '' || fallback === undefined) return message;
  const { size } = await fallback.log.stat();
  const from = Math.max(fallback.from, size - LOG_BYTES);
  const buffer = Buffer.alloc(size - from);
  const { bytesRead } = await fallback.log.read(buffer, 0, buffer.length, from);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  return lines.slice(-LOG_LINES - 1).join('\n');
}

async function firstBytes(file: string): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch {
    return '';
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MESSAGE_BYTES), 0, MESSAGE_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
