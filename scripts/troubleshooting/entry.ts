/**
 * What a person is told of one reason besides its meaning, which stands in api/: where it shows, how to see what is
 * behind it, and what to do. Written for the provider `anna`; `$NS` is its namespace.
 */
export interface Entry {
  /** Conditions and Events that bear it. Left out for an error of a run, for which they follow from the code. */
  readonly shows?: string;
  /** A command for a shell. */
  readonly see: string;
  readonly act: string;
}

export const seeConditions =
  'kubectl get olp anna -n $NS -o jsonpath=\'{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}\'';
export const seePods = 'kubectl get jobs,pods -n $NS -l outlooksync.dev/instance=outlook-sync-anna';
export const seeLog = 'kubectl logs -n $NS -l outlooksync.dev/instance=outlook-sync-anna --tail=-1';
export const seeSecrets = 'kubectl get secrets -n $NS';
