import type { Reason } from '../../api/conditions.ts';
import type { ErrorCode } from '../../api/errorCodes.ts';
import { type Entry, seeConditions, seeLog, seePods, seeSecrets } from './entry.ts';

/** Reasons of the operator's own, and of push. That each has its entry, the compiler sees to. */

export const wellEntries = {
  Succeeded: {
    shows: '`Ready=True`, `Synced=True`, `CredentialsValid=True`',
    see: 'kubectl get olp anna -n $NS',
    act: 'Nothing. `Ready=True` means that the last run succeeded and that no three intervals of the schedule have gone by since.',
  },
  Scheduled: {
    shows: '`Scheduled=True`; an Event when the CronJob goes on after something was in its way',
    see: 'kubectl get cronjob outlook-sync-anna -n $NS',
    act: 'Nothing.',
  },
  Progressing: {
    shows:
      '`Ready=Unknown` and `Reconciling=True` during the first sync; `Reconciling=True` after a failure whose cause was changed',
    see: seePods,
    act: 'Wait. `kubectl wait --for=condition=Ready olp/anna -n $NS --timeout=10m` does it for you.',
  },
  AwaitingFirstSync: {
    shows: '`Ready=Unknown`, `Reconciling=True`',
    see: 'kubectl get jobs -A -l outlooksync.dev/trigger=backfill --field-selector=status.successful=0',
    act: 'Wait: the first sync waits for room under `OUTLOOK_OPERATOR_MAX_BACKFILLS` (`operator.maxBackfills` of the chart). With 0 it waits for the schedule. If `outlook_backfills_waiting` stays above 0 for long, raise the cap, or look why Jobs do not end.',
  },
  Suspended: {
    shows: '`Ready=False`, `Scheduled=False`; phase `Suspended`; an Event, and `Resumed` when it ends',
    see: "kubectl get olp anna -n $NS -o jsonpath='{.spec.suspend}'",
    act: 'Somebody set `spec.suspend`. To go on: `kubectl patch olp anna -n $NS --type=merge -p \'{"spec":{"suspend":false}}\'`.',
  },
} satisfies Partial<Record<Reason, Entry>>;

export const obstacleEntries = {
  SecretNotFound: {
    shows: '`Ready=False`, `Scheduled=False`; the CronJob is suspended',
    see: seeSecrets,
    act: 'The message names the Secret. Create the Secret for all jobs (`outlook-sync` by default; the chart makes it in `jobs.namespaces`) or the credentials Secret that `spec.credentialsSecretRef` names. What was suspended goes on at once.',
  },
  SecretKeyMissing: {
    shows: '`Ready=False`, `Reconciling=True`; the pod is in `CreateContainerConfigError`',
    see: "kubectl get secret outlook-sync -n $NS -o jsonpath='{.data}' | tr ',' '\\n' | cut -d: -f1",
    act: 'Add the key that the message names. Needed are `DATABASE_URL`, `OUTLOOK_CLIENT_ID`, `OUTLOOK_CLIENT_SECRET` (may be empty) and `OUTLOOK_TOKEN_ENCRYPTION_KEYS`; of the credentials Secret, `refreshToken`. The pod that waits goes on by itself.',
  },
  NameConflict: {
    shows: '`Ready=False`, `Scheduled=False`, `Stalled=True`',
    see: 'kubectl get cronjob,lease outlook-sync-anna -n $NS -o yaml',
    act: 'Rename or delete the object that the message names, if it is nobody’s; or give the provider another name. It is looked at again within a minute. The operator never touches what is not its own.',
  },
  DuplicateProvider: {
    shows: '`Ready=False`, `Scheduled=False`, `Stalled=True`',
    see: 'kubectl get olp -n $NS -o custom-columns=NAME:.metadata.name,EMAIL:.spec.emailAddress,USER:.spec.owner.userId,ROW:.spec.providerId,CREATED:.metadata.creationTimestamp',
    act: 'Delete one of the two. When the older one is gone, the younger one takes over. Providers of different namespaces are not compared; there the lease in Postgres keeps their runs apart.',
  },
  InvalidSpec: {
    shows: '`Ready=False`, `Scheduled=False`, `Stalled=True`; the CronJob stays as it was',
    see: "kubectl get crd outlookproviders.outlooksync.dev -o jsonpath='{.metadata.labels.app\\.kubernetes\\.io/version}'   # with the chart",
    act: 'Mend the fields that the message names. After an upgrade or a rollback: bring the CRD and the operator to the same version ([upgrading](upgrading.md)).',
  },
  ScheduleRefused: {
    shows: '`Ready=False`, `Scheduled=False`, `Stalled=True`',
    see: seeConditions,
    act: 'The API server refused the CronJob or Job; the message has its words. Mostly it is `spec.podTemplate` or `spec.timeZone`. It is tried again every five minutes and with each change.',
  },
  AccessMissing: {
    shows: '`Ready=False`, `Scheduled=False`',
    see: 'kubectl auth can-i create cronjobs -n $NS --as=system:serviceaccount:outlook-sync:outlook-sync-operator',
    act: 'A write was forbidden, by RBAC, a quota or an admission policy; the message has the words of who refused. Bind the ClusterRole there (with the chart: add the namespace to `watchNamespaces`), make room in the quota, or amend the policy. It is tried again every five minutes. A RoleBinding `outlook-sync-job` that binds another role is told like this, too.',
  },
  SyncOverdue: {
    shows: '`Ready=False`; counted in `outlook_sync_missed_intervals_total`',
    see: 'kubectl get cronjob,jobs,pods -n $NS -l outlooksync.dev/instance=outlook-sync-anna',
    act: 'If the message has an error, act on that error. Without one, no run has ended at all: see whether the CronJob is suspended, whether Jobs get pods (`kubectl describe job`: quota, service account, admission), and whether pods get nodes (`kubectl describe pod`).',
  },
} satisfies Partial<Record<Reason, Entry>>;

export const deathEntries = {
  JobOOMKilled: {
    shows: '`Ready=False`, `Synced=False`',
    see: 'kubectl get pods -n $NS -l outlooksync.dev/instance=outlook-sync-anna -o jsonpath=\'{range .items[*]}{.metadata.name} {.status.containerStatuses[0].state.terminated.reason}{"\\n"}{end}\'',
    act: 'Raise the memory limit: `spec.podTemplate.resources` for one mailbox, `OUTLOOK_OPERATOR_JOB_RESOURCES` (`jobs.resources`) for all. Or lower `spec.sync.pageSize`: with pages of 1,000 a run has been measured at 305 MiB, more than the default limit ([scaling](scaling.md#a-run)). Nothing that was committed is lost.',
  },
  JobDeadlineExceeded: {
    shows: '`Ready=False`, `Synced=False`',
    see: seePods,
    act: 'A run ends by itself at four fifths of `OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS`, so this one hung or was starved. Look at its node (CPU limits, throttling), at its log, and whether Postgres held it. If pods come late (slow image pulls), raise the deadline (`jobs.deadlineSeconds`).',
  },
  JobEvicted: {
    shows: '`Ready=False`, `Synced=False`',
    see: 'kubectl get events -n $NS --field-selector=involvedObject.kind=Pod',
    act: 'Nothing: the Job starts another pod. If it lasts, give the pods a `spec.podTemplate.priorityClassName`, or requests that fit what they use.',
  },
  JobImagePullFailed: {
    shows: '`Reconciling=True`; `Ready=False` only when the mailbox is not fresh any more, or never was',
    see: 'kubectl describe pods -n $NS -l outlooksync.dev/instance=outlook-sync-anna | grep -A8 Events',
    act: 'Mend `OUTLOOK_OPERATOR_JOB_IMAGE` (`image.*` or `jobs.image` of the chart), push the image, or give the service account of the jobs its pull secrets (`image.pullSecrets` with `jobs.serviceAccount.create`). On kind: `kind load docker-image`. The pod that waits goes on by itself.',
  },
  JobNotStarted: {
    shows: '`Ready=False`; `Reconciling=True` while the pod waits, `Synced=False` when its Job is over',
    see: 'kubectl describe pods -n $NS -l outlooksync.dev/instance=outlook-sync-anna',
    act: 'The message has the node’s words. Mend `OUTLOOK_OPERATOR_JOB_COMMAND` (`jobs.command`), a volume or a policy. Without a pod: see whether nodes have room, and whether `nodeSelector`, `tolerations` and `affinity` let it onto one.',
  },
  JobDied: {
    shows: '`Ready=False`, `Synced=False`',
    see: seeLog,
    act: 'Its log, if the pod is still there, ends where it died. Exit code 137 without `OOMKilled` is a SIGKILL of the node. Once is nothing: the Job tries once more, and the next run goes on where this one stopped. If it lasts, report it.',
  },
  CleanupFailed: {
    shows: 'a Warning Event alone, for the resource is gone',
    see: 'kubectl get events -n $NS --field-selector=reason=CleanupFailed',
    act: 'The rows of the deleted mailbox are still in Postgres. Run [`job cleanup`](operations-of-the-job.md#cleanup) with its provider id when what stood in the way is mended.',
  },
} satisfies Partial<Record<Reason, Entry>>;

export const pushEntries = {
  Subscribed: {
    shows: '`PushSubscribed=True`; an Event, once',
    see: "kubectl get olp anna -n $NS -o jsonpath='{.status.subscription}'",
    act: 'Nothing. Runs renew it.',
  },
  NotConfigured: {
    shows: '`PushSubscribed=False`',
    see: "kubectl get olp anna -n $NS -o jsonpath='{.spec.push}'",
    act: 'Nothing, if the schedule is enough. Otherwise set `spec.push.enabled`, and give the installation a webhook (`webhook.enabled` and `webhook.publicUrl` of the chart; [by hand](operations-of-the-webhook.md#turning-push-on)). It is told by runs: after a change, ask for one.',
  },
  SubscriptionFailed: {
    shows:
      '`PushSubscribed=False`; an Event, once; `outlook_push_subscriptions_failing`. `Ready` stays what it is',
    see: "curl -X POST 'https://outlook.example.com/outlook-sync/webhooks/push?validationToken=abc'   # from outside: prints abc",
    act: 'By its message: [the table of the job’s manual](operations-of-the-job.md#push). Syncs go on by the schedule, and each run tries again.',
  },
} satisfies Partial<Record<Reason, Entry>>;

/** All that is no error of a run. */
export const ownEntries: Readonly<Record<Exclude<Reason, ErrorCode>, Entry>> = {
  ...wellEntries,
  ...obstacleEntries,
  ...deathEntries,
  ...pushEntries,
};
