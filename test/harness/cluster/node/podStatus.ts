// A Pod's status as a kubelet reports it, from the states of its containers. Pure.
import type { ContainerEnd } from './containerProcess.ts';
import { POD_IP } from './podFields.ts';
import type { Pod } from './podSpec.ts';

export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly startedAt: Date }
  | { readonly kind: 'ended'; readonly end: ContainerEnd };

export interface ContainerRecord {
  readonly state: ContainerState;
  readonly lastEnd?: ContainerEnd | undefined;
  readonly restartCount: number;
  readonly isStarted: boolean;
  readonly isReady: boolean;
}

/** What says more than the containers do: why the whole Pod failed. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
}

export interface PodState {
  readonly startTime: Date;
  /** By container name. */
  readonly containers: ReadonlyMap<string, ContainerRecord>;
  /** Whether nothing will be started any more. */
  readonly isOver: boolean;
  readonly failure: PodFailure | undefined;
}

export function podStatus(pod: Pod, state: PodState): Record<string, unknown> {
  const phase = phaseOf(state);
  return {
    phase,
    ...state.failure,
    startTime: apiTime(state.startTime),
    hostIP: POD_IP,
    hostIPs: [{ ip: POD_IP }],
    podIP: POD_IP,
    podIPs: [{ ip: POD_IP }],
    conditions: conditionsOf(state, phase),
    containerStatuses: pod.spec.containers.map(({ name, image }) =>
      containerStatus(name, image, state.containers.get(name)),
    ),
  };
}

/** As times of the API have it: in seconds. */
export function apiTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function phaseOf({ containers, isOver, failure }: PodState): string {
  const records = [...containers.values()];
  if (failure !== undefined && isOver) return 'Failed';
  const succeeded = records.every(({ state }) => state.kind === 'ended' && state.end.exitCode === 0);
  if (isOver) return succeeded ? 'Succeeded' : 'Failed';
  return records.some(hasRun) ? 'Running' : 'Pending';
}

function hasRun({ state, lastEnd }: ContainerRecord): boolean {
  return state.kind !== 'waiting' || lastEnd !== undefined;
}

function conditionsOf({ containers, startTime, isOver }: PodState, phase: string): object[] {
  const areReady = !isOver && [...containers.values()].every(({ isReady }) => isReady);
  const reason = phase === 'Succeeded' ? 'PodCompleted' : 'ContainersNotReady';
  const readiness = areReady ? { status: 'True' } : { status: 'False', reason };
  const always = { status: 'True', lastTransitionTime: apiTime(startTime) };
  return [
    { type: 'PodScheduled', ...always },
    { type: 'Initialized', ...always },
    { type: 'ContainersReady', ...readiness },
    { type: 'Ready', ...readiness },
  ];
}

function containerStatus(name: string, image: string, record: ContainerRecord | undefined): object {
  const created = { state: { waiting: { reason: 'ContainerCreating' } }, lastState: {}, restartCount: 0 };
  if (record === undefined) return { name, image, imageID: '', ready: false, started: false, ...created };
  const { lastEnd, restartCount, isReady, isStarted } = record;
  return {
    name,
    image,
    imageID: hasRun(record) ? `process://${image}` : '',
    ready: isReady,
    started: isStarted,
    restartCount,
    state: apiState(record.state),
    lastState: lastEnd === undefined ? {} : apiState({ kind: 'ended', end: lastEnd }),
  };
}

function apiState(state: ContainerState): object {
  switch (state.kind) {
    case 'waiting': {
      const { reason, message } = state;
      return { waiting: message === undefined ? { reason } : { reason, message } };
    }
    case 'running':
      return { running: { startedAt: apiTime(state.startedAt) } };
    case 'ended': {
      const { exitCode, reason, message, startedAt, finishedAt } = state.end;
      const times = { startedAt: apiTime(startedAt), finishedAt: apiTime(finishedAt) };
      return { terminated: { exitCode, reason, ...(message === '' ? {} : { message }), ...times } };
    }
  }
}
