import { type Condition, conditionTypes, operatorReasons } from '../../api/conditions.ts';
import { deadGrantCodes, errorCodes } from '../../api/errorCodes.ts';
import { subscriptionNews } from '../../api/subscriptionNews.ts';
import { bounded } from './bounded.ts';
import type { PlannedEvent } from './plan.ts';

/**
 * What is told of a change of the conditions. What stays as it was is never told again; and of how a run ended the
 * job tells itself, but where the operator reports on its behalf.
 */

const NOTE_LENGTH = 800;

const has = (list: readonly string[], reason: string): boolean => list.includes(reason);

/** States of a provider that somebody chose, or that come before the first sync: nothing failed in them. */
const quiet = ['Succeeded', 'Suspended', 'AwaitingFirstSync', 'Progressing'];

export function eventsOf(
  before: readonly Condition[],
  after: readonly Condition[],
  isReport: boolean,
): PlannedEvent[] {
  const pair = (type: string) => [find(before, type), find(after, type)] as const;
  return [
    ...scheduleEvents(...pair(conditionTypes.scheduled)),
    ...readinessEvents(...pair(conditionTypes.ready)).filter(
      ({ reason }) => isReport || !ofRuns.includes(reason),
    ),
  ].map((event) => ({ ...event, note: bounded(event.note, NOTE_LENGTH) }));
}

/** What a run would have told of the subscription, had it been able to. */
export function subscriptionEventsOf(
  before: readonly Condition[],
  after: readonly Condition[],
): PlannedEvent[] {
  const news = subscriptionNews(before, find(after, conditionTypes.pushSubscribed));
  return news === null ? [] : [{ ...news, note: bounded(news.note, NOTE_LENGTH) }];
}

const ofRuns = ['SyncFailed', 'SyncRecovered'];

function find(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((one) => one.type === type);
}

function scheduleEvents(before: Condition | undefined, after: Condition | undefined): PlannedEvent[] {
  if (after === undefined) return [];
  const { reason, message: note } = after;
  const action = 'Schedule';
  // That a new provider is scheduled is no change of anything; its first sync tells of itself.
  if (after.status === 'True' && before !== undefined && before.status !== 'True') {
    const isResumed = before.reason === 'Suspended';
    return [{ type: 'Normal', reason: isResumed ? 'Resumed' : 'Scheduled', action, note }];
  }
  const isSuspended = reason === 'Suspended' && before?.reason !== 'Suspended';
  return isSuspended ? [{ type: 'Normal', reason, action, note }] : [];
}

function readinessEvents(before: Condition | undefined, after: Condition | undefined): PlannedEvent[] {
  if (after === undefined) return [];
  const { reason, message: note } = after;
  const action = 'Sync';
  if (after.status === 'True') {
    const hadFailed = before?.status === 'False' && !has(quiet, before.reason);
    return hadFailed ? [{ type: 'Normal', reason: 'SyncRecovered', action, note }] : [];
  }
  if (has(quiet, reason) || before?.reason === reason) return [];
  return [{ type: 'Warning', reason: nameOf(reason), action, note: noteOf(reason, note) }];
}

/** Failures of a run share one name, so that an alert needs one; what the operator found, and a dead grant, have theirs. */
function nameOf(reason: string): string {
  return has(errorCodes, reason) && !has(deadGrantCodes, reason) ? 'SyncFailed' : reason;
}

function noteOf(reason: string, note: string): string {
  return note.startsWith(reason) || reason in operatorReasons ? note : `${reason}: ${note}`;
}
