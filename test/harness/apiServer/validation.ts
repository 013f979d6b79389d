// What the API server checks and a client gets wrong.
import type { Json } from './objectStore.ts';
import { badRequest, invalid } from './refusal.ts';

/** @throws Refusal */
export function validate(object: Json): void {
  const { kind, metadata, spec } = object as { kind: string; metadata: { name: string }; spec?: Json };
  if (kind === 'Lease') validateLease(metadata.name, spec ?? {});
  if (kind === 'Event') validateEvent(metadata.name, object);
}

function validateLease(name: string, spec: Json): void {
  checkMicroTimes([spec['acquireTime'], spec['renewTime']]);
  const seconds = spec['leaseDurationSeconds'];
  if (seconds !== undefined && !(Number.isInteger(seconds) && Number(seconds) > 0))
    throw invalid('Lease', name, 'spec.leaseDurationSeconds', 'must be greater than 0');
}

function validateEvent(name: string, event: Json): void {
  const series = event['series'] as Json | undefined;
  checkMicroTimes([event['eventTime'], series?.['lastObservedTime']]);
  for (const field of ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason', 'type'])
    if (typeof event[field] !== 'string' || event[field] === '')
      throw invalid('Event', name, field, 'Required value');
  const { note } = event;
  if (typeof note === 'string' && Buffer.byteLength(note) > 1024)
    throw invalid('Event', name, 'note', 'can have at most 1024 characters');
  if (series !== undefined && Number(series['count']) < 2)
    throw invalid('Event', name, 'series.count', 'should be at least 2');
}

function checkMicroTimes(times: readonly unknown[]): void {
  for (const time of times) {
    if (time === undefined || time === null) continue;
    if (typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(time))
      continue;
    throw badRequest(
      `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`,
    );
  }
}
