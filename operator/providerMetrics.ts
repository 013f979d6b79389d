// The series that there are for each provider. They are written from the cache when somebody scrapes, in pieces that
// leave room for other work: held in the metrics library, those of ten thousand providers would take more memory than
// the providers do. So they also go with the provider.
import { setImmediate as turn } from 'node:timers/promises';
import type { ProviderRecord } from './observe/records.ts';
import { pushMetrics } from './pushMetrics.ts';

const pieceOf = 250;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly lines: (labels: string, status: Status) => string[];
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
}

interface Status {
  readonly conditions?: unknown;
  readonly lastSyncedAt?: string;
  readonly nextSyncAt?: string;
}

const families: readonly Family[] = [
  {
    name: 'outlook_provider_condition',
    help: 'Conditions of OutlookProviders; 1 for the status that each has',
    lines: (labels, { conditions }) =>
      listOf(conditions).map(
        ({ type, status }) =>
          `outlook_provider_condition{${labels},type="${escaped(type)}",status="${escaped(status)}"} 1`,
      ),
  },
  timestamps('outlook_provider_last_success_timestamp_seconds', 'When a sync last succeeded', 'lastSyncedAt'),
  timestamps('outlook_provider_next_sync_timestamp_seconds', 'When the schedule fires next', 'nextSyncAt'),
];

function timestamps(name: string, help: string, field: 'lastSyncedAt' | 'nextSyncAt'): Family {
  const lines = (labels: string, status: Status): string[] => {
    const at = Date.parse(String(status[field]));
    return Number.isFinite(at) ? [`${name}{${labels}} ${at / 1000}`] : [];
  };
  return { name, help, lines };
}

/** In pieces of text. */
export async function* providerMetrics(
  providers: () => Iterable<readonly [string, ProviderRecord]>,
): AsyncGenerator<string, void, undefined> {
  for (const { name, help, lines } of families) {
    yield `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
    let piece: string[] = [];
    let count = 0;
    for (const [, { metadata, statusJson }] of providers()) {
      const labels = `namespace="${escaped(metadata.namespace)}",name="${escaped(metadata.name)}"`;
      piece.push(...lines(labels, JSON.parse(statusJson) as Status));
      count += 1;
      if (count % pieceOf > 0) continue;
      yield textOf(piece);
      piece = [];
      await turn();
    }
    yield textOf(piece);
  }
  yield* pushMetrics(providers);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** The stored status may have been written by anybody. */
function listOf(list: unknown): readonly Condition[] {
  return Array.isArray(list) ? (list as readonly Condition[]) : [];
}

function escaped(value: unknown): string {
  return String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
