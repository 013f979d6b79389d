// How wide a text is on a terminal, and how to make it fit. Pure.
//
// A terminal has cells, not characters: East Asian characters and emoji take two, combining marks none. JavaScript
// does not know Unicode's East_Asian_Width, so the blocks that are wide as a whole are listed (UAX #11).
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{17000}-\u{18dff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
const NOTHING = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Cells that a text without line breaks and escape sequences takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += clusterWidth(segment);
  return width;
}

/** An emoji is one sign of two cells, however many code points it is made of. */
function clusterWidth(cluster: string): number {
  if (EMOJI.test(cluster)) return 2;
  let width = 0;
  for (const sign of cluster) if (!NOTHING.test(sign)) width += WIDE.test(sign) ? 2 : 1;
  return width;
}

/** The text in exactly `cells` cells: filled up with blanks, or cut between two signs and ended by `…`. */
export function fit(text: string, cells: number): string {
  const width = textWidth(text);
  if (width <= cells) return text + ' '.repeat(cells - width);
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = clusterWidth(segment);
    if (used + next > cells - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…${' '.repeat(Math.max(0, cells - 1 - used))}`;
}

/**
 * What other people wrote, made fit for one line of a terminal: nothing that could move the cursor, and neither line
 * breaks nor the invisible padding of newsletters.
 */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
