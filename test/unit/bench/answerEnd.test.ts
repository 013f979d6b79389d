// Where an answer ends, however it arrives and however its length is told.
import { describe, expect, it } from 'vitest';
import { answerEnd } from '../../bench/webhook/answer.ts';

const answers = {
  'no body': 'HTTP/1.1 202 Accepted\r\nDate: now\r\nContent-Length: 0\r\n\r\n',
  'a body of known length': 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
  'chunks, none of which has anything':
    'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  chunks: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
};

describe.each(Object.entries(answers))('an answer with %s', (_name, text) => {
  it('ends with its last byte and not before', () => {
    const whole = Buffer.from(text);
    expect(answerEnd(whole)).toBe(whole.length);
    expect(answerEnd(Buffer.concat([whole, whole]))).toBe(whole.length);
    for (let length = 0; length < whole.length; length += 1)
      expect(answerEnd(whole.subarray(0, length))).toBeUndefined();
  });
});
