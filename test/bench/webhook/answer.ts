// How far an HTTP/1.1 answer reaches: as much of the protocol as servers of Node make use of.

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** Bytes of the first answer in what was received; undefined when its end is not there yet. */
export function answerEnd(received: Buffer): number | undefined {
  const head = received.indexOf(HEAD_END);
  if (head === -1) return undefined;
  const begin = head + HEAD_END.length;
  const text = received.toString('latin1', 0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (length !== undefined) {
    const end = begin + Number(length);
    return received.length < end ? undefined : end;
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(text)) return begin;
  // The last chunk has no bytes; there may be none before it.
  const last = received.indexOf(LAST_CHUNK, head + 2);
  return last === -1 ? undefined : last + LAST_CHUNK.length;
}
