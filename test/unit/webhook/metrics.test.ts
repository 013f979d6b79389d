// What a scrape of the webhook tells.
import { expect, test } from 'vitest';
import { outcomes } from '../../../webhook/http/options.ts';
import { Metrics } from '../../../webhook/metrics.ts';

async function linesOf({ registry }: Metrics): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Our own ones, without the numbers. */
async function seriesOf(metrics: Metrics): Promise<string[]> {
  const own = (await linesOf(metrics)).filter((line) => /^(outlook|rest_client)_/.test(line));
  return own.filter((line) => !line.includes('_bucket{')).map((line) => line.slice(0, line.lastIndexOf(' ')));
}

function asked(metrics: Metrics): { size: number; waiting: number } {
  const now = { size: 7, waiting: 2 };
  const watch = { kind: 'OutlookProvider', relists: 3, reconnects: 4, lastActivityAt: 5_000 };
  metrics.ask({ watch: () => ({ ...watch, size: now.size }), waiting: () => now.waiting });
  return now;
}

test('what has not happened yet is a zero wherever its labels are known before', async () => {
  const lines = await linesOf(new Metrics());
  for (const outcome of outcomes) {
    expect(lines).toContain(`outlook_webhook_notifications_total{outcome="${outcome}"} 0`);
  }
  for (const result of ['written', 'covered', 'failed', 'gone']) {
    expect(lines).toContain(`outlook_webhook_marks_total{result="${result}"} 0`);
  }
});

test('these are all the series there are, with these labels', async () => {
  const metrics = new Metrics();
  asked(metrics);
  metrics.request('push', 202, 0.1);
  metrics.apiRequest({ method: 'PATCH', code: '200', host: 'h', durationMs: 20 });
  const kind = '{kind="OutlookProvider"}';
  expect((await seriesOf(metrics)).sort()).toEqual(
    [
      'outlook_webhook_requests_total{route="push",code="202"}',
      ...outcomes.map((outcome) => `outlook_webhook_notifications_total{outcome="${outcome}"}`),
      ...['written', 'covered', 'failed', 'gone'].map(
        (result) => `outlook_webhook_marks_total{result="${result}"}`,
      ),
      'outlook_webhook_request_duration_seconds_sum{route="push"}',
      'outlook_webhook_request_duration_seconds_count{route="push"}',
      'outlook_webhook_marks_waiting',
      `outlook_informer_relists_total${kind}`,
      `outlook_informer_reconnects_total${kind}`,
      `outlook_informer_objects${kind}`,
      `outlook_informer_last_activity_timestamp_seconds${kind}`,
      'rest_client_requests_total{code="200",method="PATCH",host="h"}',
      'rest_client_request_duration_seconds_sum{verb="PATCH",host="h"}',
      'rest_client_request_duration_seconds_count{verb="PATCH",host="h"}',
    ].sort(),
  );
});

test('a count is what has happened, however often it is scraped, and by several at once', async () => {
  const metrics = new Metrics();
  metrics.request('push', 202, 0.1);
  metrics.request('push', 202, 0.3);
  metrics.request('push', 503, 2.5);
  metrics.request('other', 404, 0);
  metrics.notifications('accepted', 3);
  metrics.notifications('forged', 1);
  metrics.mark('written');
  metrics.mark('covered');
  metrics.mark('covered');
  const told = [
    'outlook_webhook_requests_total{route="push",code="202"} 2',
    'outlook_webhook_requests_total{route="push",code="503"} 1',
    'outlook_webhook_requests_total{route="other",code="404"} 1',
    'outlook_webhook_request_duration_seconds_count{route="push"} 3',
    'outlook_webhook_notifications_total{outcome="accepted"} 3',
    'outlook_webhook_notifications_total{outcome="forged"} 1',
    'outlook_webhook_marks_total{result="written"} 1',
    'outlook_webhook_marks_total{result="covered"} 2',
  ];
  expect(await linesOf(metrics)).toEqual(expect.arrayContaining(told));
  const atOnce = await Promise.all([linesOf(metrics), linesOf(metrics)]);
  for (const lines of atOnce) expect(lines).toEqual(expect.arrayContaining(told));
  metrics.mark('written');
  expect(await linesOf(metrics)).toContain('outlook_webhook_marks_total{result="written"} 2');
});

test('what stands at a moment is asked for at each scrape', async () => {
  const metrics = new Metrics();
  const now = asked(metrics);
  expect(await linesOf(metrics)).toEqual(
    expect.arrayContaining([
      'outlook_webhook_marks_waiting 2',
      'outlook_informer_objects{kind="OutlookProvider"} 7',
      'outlook_informer_last_activity_timestamp_seconds{kind="OutlookProvider"} 5',
    ]),
  );
  Object.assign(now, { size: 0, waiting: 0 });
  const later = ['outlook_webhook_marks_waiting 0', 'outlook_informer_objects{kind="OutlookProvider"} 0'];
  expect(await linesOf(metrics)).toEqual(expect.arrayContaining(later));
});
