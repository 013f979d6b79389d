// Reads Prometheus' text format: as much of it as a test asks about.

/** The values of a metric by its labels as they are written. */
export function seriesOf(text: string, metric: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(metric.length, end), Number(line.slice(end + 1))];
    }),
  );
}
