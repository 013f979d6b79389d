// Reads Prometheus' text format: as much of it as a test asks about.

/** The sum over all series of a metric; 0 where there is none. */
export function sumOf(text: string, metric: string): number {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
