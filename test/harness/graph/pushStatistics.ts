/** What became of notifications, in numbers. */

export interface PushStatistics {
  /** Requests sent, those of `deliverNotifications` and lifecycle events counted, handshakes and bursts not. */
  posted: number;
  /** How many requests each status answered; 0 stands for no answer in time. */
  answered: Record<number, number>;
  /** Requests that took too long, whether or not they were answered in the end. */
  slow: number;
  /** Requests that were sent again. */
  retried: number;
  maxAnswerMs: number;
  /** Notifications from here on. */
  delivered: number;
  /** Tried as often as Graph tries, or answered with a 4xx that is not tried again. */
  givenUp: number;
  /** Not sent because the endpoint is too slow. */
  dropped: number;
  /** Lost by the script's will. */
  lost: number;
  duplicated: number;
  reordered: number;
  /** Not sent because the subscription waits to be authorised anew. */
  withheld: number;
  /** Queued for a subscription that ended before they were sent. */
  obsolete: number;
}

export function noStatistics(): PushStatistics {
  return {
    posted: 0,
    answered: {},
    slow: 0,
    retried: 0,
    maxAnswerMs: 0,
    delivered: 0,
    givenUp: 0,
    dropped: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    withheld: 0,
    obsolete: 0,
  };
}
