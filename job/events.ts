import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import { request as httpRequest } from 'undici';
import { deliverPending, type OutboxEvent } from './store/outbox.ts';

/**
 * Domain events as CloudEvents 1.0 over HTTP, in structured mode. At least once: an event leaves the outbox when
 * the sink answered 2xx. A sink that is away never fails a sync; the next run tries again.
 * Source of the format: CloudEvents 1.0.2, "HTTP Protocol Binding" and "JSON Event Format".
 */
export async function deliverEvents(
  pool: DatabasePool,
  providerId: string,
  delivery: { sinkUrl: string | undefined; timeout: number; log: Logger },
): Promise<void> {
  const { sinkUrl, timeout, log } = delivery;
  if (sinkUrl === undefined) return;
  try {
    const delivered = await deliverPending(pool, providerId, (event) => post(sinkUrl, timeout, event, log));
    if (delivered > 0) log.info({ delivered }, 'Delivered domain events');
  } catch (error) {
    log.warn(
      { reason: error instanceof Error ? error.name : typeof error },
      'Could not read the event outbox',
    );
  }
}

async function post(sinkUrl: string, timeout: number, event: OutboxEvent, log: Logger): Promise<boolean> {
  const limit = Math.min(timeout, 10_000);
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
    const response = await httpRequest(sinkUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      body,
      headersTimeout: limit,
      bodyTimeout: limit,
    });
    await response.body.dump();
    if (response.statusCode >= 200 && response.statusCode < 300) return true;
    log.warn({ status: response.statusCode, event: event.id }, 'The notification sink refused an event');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    log.warn({ code, event: event.id }, 'The notification sink cannot be reached');
  }
  return false;
}
