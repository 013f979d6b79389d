import type { Reason } from '../../api/conditions.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { bounded } from './bounded.ts';
import type { ObservedJob, ObservedPod } from './observed.ts';

/** What a pod that says nothing itself tells by how it stands or fell. */
export interface Finding {
  readonly reason: Reason;
  readonly message: string;
}

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
]);
const startReasons = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'StartError',
  'ContainerCannotRun',
]);
/** The node has not fetched the Secret yet; it does so by itself, within seconds. */
const isOnItsWay = /failed to sync (secret|configmap) cache/i;
const evictionReasons = new Set([
  'Evicted',
  'Preempting',
  'NodeLost',
  'NodeShutdown',
  'Shutdown',
  'Terminated',
]);

/** Of a container that waits for what will not come by itself; null for one that is only on its way. */
export function waiting({ name, waitingReason, waitingMessage }: ObservedPod): Finding | null {
  if (waitingReason === null) return null;
  // The agent's words alternate between two for as long as it tries: ours stay, or each try would be a write.
  if (imageReasons.has(waitingReason))
    return { reason: 'JobImagePullFailed', message: `The image of the pod ${name} cannot be pulled` };
  if (!startReasons.has(waitingReason)) return null;
  const told = bounded(waitingMessage ?? waitingReason, 300);
  if (isOnItsWay.test(told)) return null;
  if (/couldn't find key/i.test(told)) return { reason: 'SecretKeyMissing', message: told };
  if (/^secret "[^"]*" not found/i.test(told)) return { reason: 'SecretNotFound', message: told };
  return { reason: 'JobNotStarted', message: `The pod ${name} cannot start: ${told}` };
}

/** Of a pod that ended without a report. */
export function death(pod: ObservedPod, job: ObservedJob): Finding {
  const { name, terminatedReason, exitCode } = pod;
  if (terminatedReason === 'OOMKilled')
    return { reason: 'JobOOMKilled', message: `The pod ${name} ran out of memory and was killed` };
  return (
    waiting(pod) ?? eviction(pod) ?? lateness(pod, job) ?? failedStart(pod) ?? violentEnd(name, exitCode)
  );
}

function eviction({ name, reason, disrupted }: ObservedPod): Finding | null {
  if (!disrupted && !evictionReasons.has(reason ?? '')) return null;
  const why = reason === null ? '' : ` (${bounded(reason, 60)})`;
  return { reason: 'JobEvicted', message: `The pod ${name} was taken away by the cluster${why}` };
}

function lateness({ name, reason }: ObservedPod, { failureReason }: ObservedJob): Finding | null {
  if (reason !== 'DeadlineExceeded' && failureReason !== 'DeadlineExceeded') return null;
  return { reason: 'JobDeadlineExceeded', message: `The pod ${name} did not end in time` };
}

function failedStart({ name, terminatedReason }: ObservedPod): Finding | null {
  if (!startReasons.has(terminatedReason ?? '')) return null;
  return { reason: 'JobNotStarted', message: `The pod ${name} could not start its container` };
}

const signals: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

function violentEnd(name: string, exitCode: number | null): Finding {
  if (exitCode === exitCodes.usage)
    return {
      reason: 'ConfigurationInvalid',
      message: `The pod ${name} refused its configuration; its log says why`,
    };
  if (exitCode === null) return { reason: 'JobDied', message: `The pod ${name} ended without a word` };
  const signal = exitCode > 128 ? (signals[exitCode - 128] ?? `signal ${exitCode - 128}`) : null;
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
  return { reason: 'JobDied', message: `The pod ${name} ended ${how}, without a word` };
}
