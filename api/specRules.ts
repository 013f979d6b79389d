import {
  dayNames,
  emailPattern,
  folderPattern,
  historyPattern,
  monthNames,
  noSuchDayPattern,
  objectNamePattern,
  printablePattern,
  schedulePattern,
  tenantPattern,
  timeZonePattern,
  uuidPattern,
} from './patterns.ts';

/**
 * The rules of an OutlookProvider that types and ranges do not state, each told twice: as CEL for the API server, and
 * as a function for those who read what is stored. The same samples are put to both, so that they judge alike.
 * Messages name the field, for kubectl shows them as they are.
 */
export interface Rule<T> {
  readonly cel: string;
  readonly message: string;
  readonly holds: (value: T) => boolean;
}

const matches = (pattern: string, message: string): Rule<string> => ({
  cel: `self.matches(r'${pattern}')`,
  message,
  holds: (text) => new RegExp(pattern).test(text),
});

/** Ranges of names are looked up by where they stand here; those of months and those of days are never mixed. */
const namesInOrder = [...monthNames, ...dayNames].join(' ');

const rangesAscend = (schedule: string): boolean =>
  [...schedule.matchAll(/([0-9]{1,2})-([0-9]{1,2})/g)].every(([, from, to]) => Number(from) <= Number(to));

const namesAscend = (schedule: string): boolean =>
  [...schedule.toUpperCase().matchAll(/([A-Z]{3})-([A-Z]{3})/g)].every(
    ([, from = '', to = '']) => namesInOrder.indexOf(from) <= namesInOrder.indexOf(to),
  );

/** ICU has these, the time zone database has not. */
const onlyInIcu =
  /^(A[CEGRS]T|B[ES]T|C[ANST]T|E[AC]T|I[ES]T|JST|MIT|N[ES]T|P[LNRS]T|SST|VST|SystemV\/.*|Etc\/Unknown)$/;

let zones: ReadonlyMap<string, string> | undefined;

/**
 * Whether the time zone database has the name. Intl ignores case, which the API server does not; it lists the names
 * that it calls canonical, and takes the former names without telling how they are written.
 */
function isTimeZone(name: string): boolean {
  zones ??= new Map(Intl.supportedValuesOf('timeZone').map((zone) => [zone.toLowerCase(), zone]));
  const listed = zones.get(name.toLowerCase());
  if (listed !== undefined) return listed === name;
  if (onlyInIcu.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const celNames = `'${namesInOrder}'`;

export const textRules = {
  emailAddress: [matches(emailPattern, 'emailAddress must be an e-mail address, such as anna@contoso.com')],
  userPrincipalName: [
    matches(emailPattern, 'userPrincipalName must be a sign-in name, such as anna@contoso.onmicrosoft.com'),
  ],
  userId: [matches(printablePattern, 'userId must have no control characters')],
  workspaceId: [matches(printablePattern, 'workspaceId must have no control characters')],
  providerId: [matches(uuidPattern, 'providerId must be a uuid')],
  schedule: [
    matches(
      schedulePattern,
      'schedule must have five cron fields with one blank between them (minute, hour, day of month, month, day of week 0-6), such as */5 * * * * or H/5 * * * *',
    ),
    {
      cel: "self.findAll('[0-9]{1,2}-[0-9]{1,2}').all(r, int(r.split('-')[0]) <= int(r.split('-')[1]))",
      message: 'schedule must have no range that runs backwards, such as 5-1',
      holds: rangesAscend,
    },
    {
      cel: `self.upperAscii().findAll('[A-Z]{3}-[A-Z]{3}').all(r, ${celNames}.indexOf(r.split('-')[0]) <= ${celNames}.indexOf(r.split('-')[1]))`,
      message: 'schedule must have no range that runs backwards, such as FRI-MON',
      holds: namesAscend,
    },
    {
      cel: `!self.matches(r'${noSuchDayPattern}')`,
      message: 'schedule must name a day that its months have',
      holds: (text) => !new RegExp(noSuchDayPattern).test(text),
    },
  ],
  timeZone: [
    {
      // Of a zone that it does not know CEL makes an error, and the API server puts this message behind that.
      cel: `self.matches(r'${timeZonePattern}') && !(self in ['Local', 'Factory']) && timestamp('2024-01-01T00:00:00Z').getHours(self) >= 0`,
      message: 'timeZone must be a name of the time zone database, such as Europe/Berlin',
      holds: (text) => new RegExp(timeZonePattern).test(text) && isTimeZone(text),
    },
  ],
  secretName: [matches(objectNamePattern, 'credentialsSecretRef.name must be the name of a Secret')],
  priorityClassName: [matches(objectNamePattern, 'priorityClassName must be the name of a PriorityClass')],
  tenantId: [matches(tenantPattern, "tenantId must be a tenant's id or a domain")],
  history: [
    {
      cel: `self == 'All' || (self.matches(r'${historyPattern}') && self.matches('[1-9]') && !self.endsWith('T'))`,
      message: 'history must be All, or an ISO 8601 duration longer than nothing, such as P90D',
      holds: (text) =>
        text === 'All' ||
        (new RegExp(historyPattern).test(text) && /[1-9]/.test(text) && !text.endsWith('T')),
    },
  ],
  folder: [
    matches(
      folderPattern,
      'a folder must have no comma and no blank at its ends; name such a folder by its id',
    ),
  ],
} as const satisfies Record<string, readonly Rule<string>[]>;

/** A rule over several fields; `field` is the one to blame, below the object that has the rule. */
export interface FieldsRule<T> extends Rule<T> {
  readonly field: string;
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden';
}

export interface AuthFields {
  readonly mode: string;
  readonly tenantId: string;
}

/** Microsoft's names for many tenants at once. */
const manyTenants = ['common', 'organizations', 'consumers'];

export const authRules: readonly FieldsRule<AuthFields>[] = [
  {
    field: 'tenantId',
    reason: 'FieldValueInvalid',
    // Asks for `mode` because it is asked of the default `{}` too, whose own defaults are not there yet.
    cel: `!has(self.mode) || self.mode != 'Application' || !(self.tenantId.lowerAscii() in [${manyTenants.map((name) => `'${name}'`).join(', ')}])`,
    message: 'auth.tenantId must name one tenant, by its id or a domain, when auth.mode is Application',
    holds: ({ mode, tenantId }) => mode !== 'Application' || !manyTenants.includes(tenantId.toLowerCase()),
  },
];

export interface SpecFields {
  readonly auth: AuthFields;
  readonly credentialsSecretRef?: unknown;
}

export const specRules: readonly FieldsRule<SpecFields>[] = [
  {
    field: 'credentialsSecretRef',
    reason: 'FieldValueRequired',
    cel: "self.auth.mode != 'Delegated' || has(self.credentialsSecretRef)",
    message: 'credentialsSecretRef is required when auth.mode is Delegated',
    holds: ({ auth, credentialsSecretRef }) =>
      auth.mode !== 'Delegated' || credentialsSecretRef !== undefined,
  },
];

export interface ChangeFields {
  readonly providerId?: string | undefined;
}

/** Rules over a change; stated for the whole spec, because CEL asks nothing of a field that was or becomes absent. */
export const changeRules: readonly FieldsRule<{
  readonly before: ChangeFields;
  readonly after: ChangeFields;
}>[] = [
  {
    field: 'providerId',
    reason: 'FieldValueForbidden',
    cel: 'has(self.providerId) == has(oldSelf.providerId) && (!has(self.providerId) || self.providerId == oldSelf.providerId)',
    message: 'providerId is immutable: it can be neither set, nor changed, nor removed later',
    holds: ({ before, after }) => before.providerId === after.providerId,
  },
];

/** What the API server would say against changing one valid spec into another; empty when it allows it. */
export function changeProblems(
  before: ChangeFields,
  after: ChangeFields,
): { path: string; message: string }[] {
  return changeRules
    .filter(({ holds }) => !holds({ before, after }))
    .map(({ field, message }) => ({ path: `spec.${field}`, message }));
}
