// Rows of text as an aligned table. Pure: it is told the width and the colours.
import { fit, textWidth } from './textWidth.ts';

export interface Cell {
  readonly text: string;
  /** Colours what is shown; must not change its width. */
  readonly paint?: (shown: string) => string;
}

export interface Column {
  readonly title: string;
  /** Cells at most; the column that takes what the others leave has none. */
  readonly most?: number;
  readonly right?: true;
}

const GAP = '  ';
const LEAST = 8;

/** The table's lines, each at most `width` cells wide where the columns allow it; without titles, no head. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string[] {
  const widths = columnWidths(columns, rows, width);
  const shown = ({ text, paint }: Cell, index: number): string => {
    const cell = aligned(text, widths[index] ?? 0, columns[index]);
    return paint === undefined || text === '' ? cell : paint(cell);
  };
  const line = (cells: readonly Cell[]): string => cells.map(shown).join(GAP).trimEnd();
  const head = columns.map(({ title }) => ({ text: title }));
  if (columns.every(({ title }) => title === '')) return rows.map(line);
  return [line(head), line(widths.map((cells) => ({ text: '─'.repeat(cells) }))), ...rows.map(line)];
}

function columnWidths(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): number[] {
  const natural = columns.map(({ title, most = Infinity }, index) =>
    Math.min(most, Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index]?.text ?? '')))),
  );
  const total = natural.reduce((sum, cells) => sum + cells, GAP.length * (columns.length - 1));
  return natural.map((cells, index) =>
    columns[index]?.most === undefined ? Math.max(LEAST, cells - Math.max(0, total - width)) : cells,
  );
}

function aligned(text: string, cells: number, column: Column | undefined): string {
  const left = fit(text, cells);
  if (column?.right !== true) return left;
  const shown = left.trimEnd();
  return ' '.repeat(cells - textWidth(shown)) + shown;
}
