/** Text of others, for a condition or an Event: one line, and not longer than is read. */
export function bounded(text: string, longest = 500): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return (line.length > longest ? `${line.slice(0, longest - 1)}…` : line).toWellFormed();
}
