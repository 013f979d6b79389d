// The marks of one provider: a clock, a watch and an API server that do what the test says.
import { KubeError } from '../../../../kube/errors.ts';
import { silent } from '../../../../kube/log.ts';
import { type KnownProvider, reduceProvider } from '../../../../webhook/cluster/knownProvider.ts';
import { type Mark, type MarkResult, Marks } from '../../../../webhook/cluster/marks.ts';
import { ManualClock } from '../../../harness/apiServer/manualClock.ts';

export const KEY = 'team/anna';

interface Write {
  readonly mark: Mark;
  /** With the provider's version from then on. */
  readonly succeed: (version?: string) => void;
  readonly fail: (error: Error) => void;
}

export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class MarkScene {
  readonly clock = new ManualClock();
  readonly status: Record<string, unknown> = {};
  readonly writes: Write[] = [];
  readonly results: MarkResult[] = [];
  /** What the log has as errors. */
  readonly complaints: object[] = [];
  readonly marks: Marks;
  readonly watch = { isWatching: true, resourceVersion: '10' };
  isThere = true;
  uid = 'uid-of-anna';
  #version = '10';

  constructor() {
    this.marks = new Marks({
      lookUp: () => (this.isThere ? this.#provider() : undefined),
      watchOf: () => this.watch,
      write: (_provider, mark, signal) =>
        new Promise((resolve, reject) => {
          const aborted = (): void => reject(new KubeError('network', 'Patch: aborted'));
          signal.addEventListener('abort', aborted, { once: true });
          this.writes.push({ mark, succeed: (kept = '20') => resolve(kept), fail: reject });
        }),
      writeTimeoutMs: 2_500,
      log: { ...silent, error: (fields) => this.complaints.push(fields) },
      clock: this.clock,
      onResult: (result) => this.results.push(result),
    });
  }

  wake(): Promise<void> {
    return this.marks.wake({ key: KEY, isActive: true });
  }

  last(): Write {
    const write = this.writes.at(-1);
    if (write === undefined) throw new Error('Nothing was written');
    return write;
  }

  /** The watch tells of a change. */
  shows(changed: Record<string, unknown>, at: { version?: string } = {}): void {
    Object.assign(this.status, changed);
    this.#version = at.version ?? this.#version;
    this.marks.noticed(KEY);
    this.watch.resourceVersion = this.#version;
  }

  /** A mark is kept, and the watch shows it. */
  async written(): Promise<string> {
    const waking = this.wake();
    await settled();
    this.last().succeed();
    await waking;
    this.shows({ syncRequestedAt: this.last().mark.syncRequestedAt }, { version: '20' });
    return this.last().mark.syncRequestedAt;
  }

  #provider(): KnownProvider {
    return reduceProvider({
      apiVersion: 'outlooksync.dev/v1alpha1',
      kind: 'OutlookProvider',
      metadata: { namespace: 'team', name: 'anna', uid: this.uid, resourceVersion: this.#version },
      spec: { emailAddress: 'anna@contoso.example' },
      status: this.status,
    } as never);
  }
}
