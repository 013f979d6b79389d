import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import type { Agent } from 'undici';
import { sendHttp } from './graph/http.ts';
import { deliverPending, type OutboxEvent } from './store/outbox.ts';

/**
 * Domain events as CloudEvents 1.0 over HTTP, in structured mode. At least once: an event leaves the outbox when
 * the sink answered 2xx. A sink that is away never fails a sync; the next run tries again.
 * Source of the format: CloudEvents 1.0.2, "HTTP Protocol Binding" and "JSON Event Format".
 */
export async function deliverEvents(
  pool: DatabasePool,
  providerId: string,
  delivery: { agent: Agent; sinkUrl: string | undefined; log: Logger },
): Promise<void> {
  const { agent, sinkUrl, log } = delivery;
  if (sinkUrl === undefined) return;
  try {
    const delivered = await deliverPending(pool, providerId, (event) => post({ agent, sinkUrl, log }, event));
    if (delivered > 0) log.info({ delivered }, 'Delivered domain events');
  } catch (error) {
    log.warn(
      { reason: error instanceof Error ? error.name : typeof error },
      'Could not read the event outbox',
    );
  }
}

async function post(
  { agent, sinkUrl, log }: { agent: Agent; sinkUrl: string; log: Logger },
  event: OutboxEvent,
): Promise<boolean> {
  const body = JSON.stringify({
    specversion: '1.0',
    id: event.id,
    type: event.type,
    source: `outlook-sync/providers/${event.providerId}`,
    subject: event.providerId,
    time: event.time,
    datacontenttype: 'application/json',
    data: event.data,
  });
  try {
    const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
    const signal = AbortSignal.timeout(10_000);
    const { status } = await sendHttp(agent, { url: sinkUrl, headers, body, signal });
    if (status >= 200 && status < 300) return true;
    log.warn({ status, event: event.id }, 'The notification sink refused an event');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    log.warn({ code, event: event.id }, 'The notification sink cannot be reached');
  }
  return false;
}
