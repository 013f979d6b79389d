/** The proof that a URL wants notifications (Graph docs: notificationUrl validation), while the creation waits for it. */
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
  const seen = answer.status === 0 ? 'no answer' : `HTTP ${answer.status}`;
  refuse(
    400,
    'ValidationError',
    `Subscription validation request failed. Notification endpoint gave ${seen}.`,
  );
}
