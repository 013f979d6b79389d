// A reflector of ConfigMaps on a scripted API server, and what it told.
import { onTestFinished } from 'vitest';
import { type Change, Reflector, type ReflectorOptions } from '../../../kube/reflector.ts';
import { type ConfigMap, configMap, configMaps, openStage, type Stage, Turnstile } from './stage.ts';

export interface Watcher extends Stage {
  readonly reflector: Reflector<ConfigMap>;
  readonly changes: Change<ConfigMap>[];
  /** Resolves once it holds; asked after each change. */
  readonly until: (condition: () => boolean) => Promise<void>;
  readonly start: () => Promise<void>;
  readonly put: (name: string, data?: Record<string, string>) => void;
  readonly stop: () => Promise<void>;
}

/** A reflector of ConfigMaps that loses no time between two tries. */
export async function openWatcher(options: Partial<ReflectorOptions<ConfigMap>> = {}): Promise<Watcher> {
  const stage = await openStage();
  const { server, client } = stage;
  const changes: Change<ConfigMap>[] = [];
  const turnstile = new Turnstile();
  const controller = new AbortController();
  let running = Promise.resolve();
  const reflector = new Reflector<ConfigMap>({
    client,
    resource: configMaps,
    baseDelayMs: 1,
    ...options,
    onChange: (change) => {
      changes.push(change);
      turnstile.turn();
      options.onChange?.(change);
    },
  });
  const stop = async (): Promise<void> => {
    controller.abort();
    await running;
  };
  onTestFinished(stop);
  const start = async (): Promise<void> => {
    running = reflector.run(controller.signal);
    await reflector.synced();
    await server.until(() => server.watches('configmaps').length === 1);
  };
  const put = (name: string, data: Record<string, string> = {}): void => {
    server.put(configMap(name, data), 'configmaps');
  };
  return { ...stage, reflector, changes, until: (condition) => turnstile.until(condition), start, put, stop };
}

/** What happened, in words. */
export const told = (changes: readonly Change<ConfigMap>[]): string[] =>
  changes.map(({ key, object, previous }) => {
    const kind = object === undefined ? 'gone' : previous === undefined ? 'new' : 'changed';
    return `${kind} ${key}`;
  });

export function watchOf({ server }: Watcher): ReturnType<Watcher['server']['watches']>[number] {
  const [watch] = server.watches('configmaps');
  if (watch === undefined) throw new Error('No watch is open');
  return watch;
}

export function never(): never {
  throw new Error('It is not there');
}
