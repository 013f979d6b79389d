/** The proof that a URL wants notifications (Graph docs: notificationUrl validation), while the creation waits for it. */
import { STATUS_CODES } from 'node:http';
import { refuse } from './graphError.ts';
import type { Poster } from './poster.ts';

/** The receiver must echo the decoded token as plain text in time. The URL's own query is sent as it was written. */
export async function shakeHands(
  poster: Poster,
  url: string,
  token: string,
  withinMs: number,
): Promise<void> {
  const query = new URLSearchParams({ validationToken: token }).toString();
  const target = `${url}${url.includes('?') ? '&' : '?'}${query}`;
  const answer = await poster.post({ url: target, type: 'text/plain; charset=utf-8', body: '', withinMs });
  if (answer.status === 200 && answer.type.startsWith('text/plain') && answer.text === token) return;
  // In the words that have been reported of the service (pnp/Microsoft365-Analytics-Insights #273).
  if (answer.status === 0) refuse(400, 'ValidationError', 'Subscription validation request timed out.');
  const seen = `HTTP status code is '${STATUS_CODES[answer.status]?.replaceAll(' ', '') ?? answer.status}'`;
  const wanted = 'Notification endpoint must respond with 200 OK to validation request';
  refuse(400, 'ValidationError', `Subscription validation request failed. ${seen}. ${wanted}.`);
}
