// The benchmarks by name. A new one is an entry here and a folder beside sync/.
import type { Figure } from './figure.ts';
import { imageBenchmark } from './image/benchmark.ts';
import { operatorBenchmark } from './operator/benchmark.ts';
import { syncBenchmark } from './sync/benchmark.ts';
import { webhookBenchmark } from './webhook/benchmark.ts';

export interface Options {
  /** A smoke test: a tenth of the messages, and few rounds. */
  readonly quick: boolean;
  /** Messages of the mailbox; undefined: as many as the goals are set for. */
  readonly messages: number | undefined;
  /** The parts to run; empty: all. */
  readonly only: readonly string[];
  /** Says on stderr what is going on. */
  readonly progress: (text: string) => void;
}

export interface Benchmark {
  readonly summary: string;
  /** By name, what each part measures; each can be run alone. */
  readonly parts: Readonly<Record<string, string>>;
  /** Resolves to what was found and on what, in the order of the table; rejects when a part itself has failed. */
  readonly run: (options: Options) => Promise<{ heading: string; figures: Figure[] }>;
}

export const benchmarks: Readonly<Record<string, Benchmark>> = {
  sync: syncBenchmark,
  operator: operatorBenchmark,
  webhook: webhookBenchmark,
  image: imageBenchmark,
};
