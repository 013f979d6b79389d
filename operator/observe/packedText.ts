// Texts that are much alike and seldom read, such as the specs of ten thousand CronJobs: the first one is the dictionary
// for those after it, and of four thousand bytes two hundred are kept.
import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** A deflated text, one byte a character: cheaper to keep than a buffer. */
export type PackedText = string & { readonly __packed: never };

/** What lies farther back is of no use to the algorithm. */
const longestDictionary = 32_768;

export class TextPacker {
  #dictionary: Buffer | undefined;

  pack(text: string): PackedText {
    const bytes = Buffer.from(text);
    this.#dictionary ??= bytes.subarray(0, longestDictionary);
    return deflateRawSync(bytes, { level: 1, dictionary: this.#dictionary }).toString('latin1') as PackedText;
  }

  /** Of what this one has packed. */
  unpack(packed: PackedText): string {
    const bytes = Buffer.from(packed, 'latin1');
    return inflateRawSync(bytes, this.#dictionary && { dictionary: this.#dictionary }).toString();
  }
}
