// OutlookProviders, good and bad, as zod and the real API server must both judge them. `blames` is the path of the
// field that a refusal has to name; a sample without it is to be accepted.
import {
  badAddresses,
  badHistories,
  badSchedules,
  badZones,
  goodAddresses,
  goodHistories,
  goodSchedules,
  goodZones,
} from './providerTexts.ts';

export type Spec = Readonly<Record<string, unknown>>;

export interface Sample {
  readonly name: string;
  readonly spec: Spec;
  readonly blames?: string;
}

/** The least that is valid. */
export const leastSpec: Spec = {
  emailAddress: 'anna@contoso.com',
  owner: { userId: 'user-42' },
  credentialsSecretRef: { name: 'anna-outlook' },
};

const applicationSpec: Spec = {
  emailAddress: 'anna@contoso.com',
  owner: { userId: 'user-42' },
  auth: { mode: 'Application', tenantId: 'contoso.onmicrosoft.com' },
};

const good = (name: string, changes: Spec, base: Spec = leastSpec): Sample => ({
  name,
  spec: { ...base, ...changes },
});
const bad = (name: string, blames: string, changes: Spec, base: Spec = leastSpec): Sample => ({
  name,
  spec: { ...base, ...changes },
  blames: `spec.${blames}`,
});
const without = (field: string): Spec =>
  Object.fromEntries(Object.entries(leastSpec).filter(([name]) => name !== field));

const ranges = [
  ['maxMessages', 1, 1000],
  ['deltaPageLimit', 1, 20],
  ['pageSize', 1, 1000],
  ['retries', 0, 5],
  ['retryBackoffMs', 50, 15_000],
  ['jitterMs', 0, 10_000],
] as const;

const numbers = ranges.flatMap(([field, min, max]) => [
  good(`${field} at its least`, { sync: { [field]: min } }),
  good(`${field} at its most`, { sync: { [field]: max } }),
  bad(`${field} below its least`, `sync.${field}`, { sync: { [field]: min - 1 } }),
  bad(`${field} above its most`, `sync.${field}`, { sync: { [field]: max + 1 } }),
  bad(`${field} as a text`, `sync.${field}`, { sync: { [field]: String(min) } }),
  bad(`${field} with a fraction`, `sync.${field}`, { sync: { [field]: min + 0.5 } }),
]);

const texts = (field: string, max: number, fill: (length: number) => string): Sample[] => [
  good(`${field} as long as may be`, { [field]: fill(max) }),
  bad(`${field} too long`, field, { [field]: fill(max + 1) }),
  bad(`${field} empty`, field, { [field]: '' }),
  bad(`${field} as a number`, field, { [field]: 5 }),
  bad(`${field} as a list`, field, { [field]: [] }),
];

const longAddress = (length: number): string => `${'a'.repeat(length - '@contoso.com'.length)}@contoso.com`;

const addresses = [
  ...texts('emailAddress', 254, longAddress),
  ...goodAddresses.map((emailAddress) => good(`address ${emailAddress}`, { emailAddress })),
  ...badAddresses.map((emailAddress) =>
    bad(`address ${JSON.stringify(emailAddress)}`, 'emailAddress', { emailAddress }),
  ),
  bad('no address', 'emailAddress', {}, without('emailAddress')),
  good('a sign-in name', { userPrincipalName: 'anna@contoso.onmicrosoft.com' }),
  bad('a sign-in name without a domain', 'userPrincipalName', { userPrincipalName: 'anna' }),
];

const schedules = [
  ...goodSchedules.map((schedule) => good(`schedule ${schedule}`, { schedule })),
  ...badSchedules.map((schedule) => bad(`schedule ${JSON.stringify(schedule)}`, 'schedule', { schedule })),
  bad('schedule too long', 'schedule', { schedule: `${'1,'.repeat(50)}1 * * * *` }),
  bad('schedule empty', 'schedule', { schedule: '' }),
  bad('schedule as a number', 'schedule', { schedule: 5 }),
];

const zones = [
  ...goodZones.map((timeZone) => good(`time zone ${timeZone}`, { timeZone })),
  ...badZones.map((timeZone) => bad(`time zone ${JSON.stringify(timeZone)}`, 'timeZone', { timeZone })),
];

const histories = [
  ...goodHistories.map((history) => good(`history ${history}`, { sync: { history } })),
  ...badHistories.map((history) =>
    bad(`history ${JSON.stringify(history)}`, 'sync.history', { sync: { history } }),
  ),
];

const list = (length: number): string[] => Array.from({ length }, (_, at) => `folder ${at}`);

const folderLists = (['include', 'exclude'] as const).flatMap((field) => [
  good(`${field}d folders`, {
    sync: { folders: { [field]: ['inbox', 'Projects/2026', 'AQMkAD=', 'Büro'] } },
  }),
  good(`a hundred ${field}d folders`, { sync: { folders: { [field]: list(100) } } }),
  bad(`too many ${field}d folders`, `sync.folders.${field}`, { sync: { folders: { [field]: list(101) } } }),
  bad(`${field}d folders as a text`, `sync.folders.${field}`, { sync: { folders: { [field]: 'inbox' } } }),
  ...['', 'a,b', ' a', 'a ', 'a\nb', 'a'.repeat(513)].map((folder) =>
    bad(`${field}d folder ${JSON.stringify(folder).slice(0, 10)}`, `sync.folders.${field}[1]`, {
      sync: { folders: { [field]: ['inbox', folder] } },
    }),
  ),
]);

const longName = 'a'.repeat(253);

const owners = [
  good('a workspace', { owner: { userId: 'u', workspaceId: 'w' } }),
  good('an owner of the longest id', { owner: { userId: longName, workspaceId: longName } }),
  good('an owner of any letters', { owner: { userId: 'auth0|Ünal $(HOME)' } }),
  bad('no owner', 'owner', {}, without('owner')),
  bad('an owner without a user', 'owner.userId', { owner: {} }),
  bad('an owner that is empty', 'owner.userId', { owner: { userId: '' } }),
  bad('an owner too long', 'owner.userId', { owner: { userId: `${longName}a` } }),
  bad('an owner of two lines', 'owner.userId', { owner: { userId: 'a\nb' } }),
  bad('an owner as a number', 'owner.userId', { owner: { userId: 42 } }),
  bad('an empty workspace', 'owner.workspaceId', { owner: { userId: 'u', workspaceId: '' } }),
  bad('an owner as a text', 'owner', { owner: 'user-42' }),
];

const uuid = '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0';

const references = [
  good('a row to adopt', { providerId: uuid }),
  good('a row to adopt, in capitals', { providerId: uuid.toUpperCase() }),
  ...['', 'x', uuid.slice(1), `${uuid}0`, uuid.replaceAll('-', ''), `{${uuid}}`].map((providerId) =>
    bad(`a row to adopt ${JSON.stringify(providerId)}`, 'providerId', { providerId }),
  ),
  good('a Secret of the longest name', { credentialsSecretRef: { name: longName } }),
  good('a Secret with dots', { credentialsSecretRef: { name: 'a.b-c.d' } }),
  ...['', 'A', 'a_b', '-a', 'a-', 'a..b', 'a/b', `${longName}a`].map((name) =>
    bad(`a Secret named ${JSON.stringify(name).slice(0, 10)}`, 'credentialsSecretRef.name', {
      credentialsSecretRef: { name },
    }),
  ),
  bad('a Secret without a name', 'credentialsSecretRef.name', { credentialsSecretRef: {} }),
  bad('a Secret as a text', 'credentialsSecretRef', { credentialsSecretRef: 'anna-outlook' }),
];

const application = (tenantId?: string): Spec => ({
  auth: { mode: 'Application', ...(tenantId === undefined ? {} : { tenantId }) },
});

const signIns = [
  good('Application mode without a Secret', {}, applicationSpec),
  good('Application mode with a Secret all the same', application(uuid)),
  good('Delegated mode of one tenant', { auth: { mode: 'Delegated', tenantId: uuid } }),
  good('Delegated mode of organizations', { auth: { tenantId: 'organizations' } }),
  ...['Global', 'USGov', 'USGovDoD', 'China'].map((cloud) => good(`cloud ${cloud}`, { auth: { cloud } })),
  bad('Delegated mode without a Secret', 'credentialsSecretRef', {}, without('credentialsSecretRef')),
  bad('Application mode without a tenant', 'auth.tenantId', application(), applicationSpec),
  ...['common', 'organizations', 'consumers', 'Common'].map((tenantId) =>
    bad(`Application mode of ${tenantId}`, 'auth.tenantId', application(tenantId), applicationSpec),
  ),
  ...['', 'a b', '-a', 'a/b', 'https://contoso.com', `${longName}a`].map((tenantId) =>
    bad(`tenant ${JSON.stringify(tenantId).slice(0, 24)}`, 'auth.tenantId', { auth: { tenantId } }),
  ),
  bad('mode of another case', 'auth.mode', { auth: { mode: 'delegated' } }),
  bad('cloud of another name', 'auth.cloud', { auth: { cloud: 'Germany' } }),
  bad('auth as a text', 'auth', { auth: 'Delegated' }),
];

const switches = [
  good('suspended', { suspend: true }),
  good('push', { push: { enabled: true } }),
  good('the raw payload', { sync: { storeRawPayload: true } }),
  good('rows deleted at the end', { deletionPolicy: 'Delete' }),
  good('rows kept at the end', { deletionPolicy: 'Retain' }),
  ...['Auto', 'Folders', 'Mailbox'].map((deltaScope) =>
    good(`scope ${deltaScope}`, { sync: { deltaScope } }),
  ),
  bad('suspend as a text', 'suspend', { suspend: 'true' }),
  bad('push as a text', 'push.enabled', { push: { enabled: 'yes' } }),
  bad('push as a switch', 'push', { push: true }),
  bad('the raw payload as a number', 'sync.storeRawPayload', { sync: { storeRawPayload: 1 } }),
  bad('a deletion policy of another name', 'deletionPolicy', { deletionPolicy: 'Orphan' }),
  bad('a scope of another case', 'sync.deltaScope', { sync: { deltaScope: 'auto' } }),
  bad('sync as a list', 'sync', { sync: [] }),
];

const entries = (length: number): Record<string, string> =>
  Object.fromEntries(list(length).map((_, at) => [`key-${at}`, 'value']));

const pods = [
  good('a pod template of all kinds', {
    podTemplate: {
      annotations: { 'example.com/a': 'b' },
      nodeSelector: { 'kubernetes.io/arch': 'arm64' },
      tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
      priorityClassName: 'batch',
      resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    },
  }),
  good('a hundred annotations', { podTemplate: { annotations: entries(100) } }),
  bad('too many annotations', 'podTemplate.annotations', { podTemplate: { annotations: entries(101) } }),
  bad('an annotation as a number', 'podTemplate.annotations.a', { podTemplate: { annotations: { a: 1 } } }),
  bad('too many labels of nodes', 'podTemplate.nodeSelector', {
    podTemplate: { nodeSelector: entries(101) },
  }),
  bad('tolerations as an object', 'podTemplate.tolerations', { podTemplate: { tolerations: {} } }),
  bad('a toleration as a text', 'podTemplate.tolerations[0]', { podTemplate: { tolerations: ['a'] } }),
  bad('too many tolerations', 'podTemplate.tolerations', {
    podTemplate: { tolerations: list(51).map((key) => ({ key })) },
  }),
  bad('resources as a text', 'podTemplate.resources', { podTemplate: { resources: '1' } }),
  bad('a priority class of no name', 'podTemplate.priorityClassName', {
    podTemplate: { priorityClassName: 'High!' },
  }),
];

export const samples: readonly Sample[] = [
  good('the least that is valid', {}),
  ...addresses,
  ...owners,
  ...references,
  ...schedules,
  ...zones,
  ...signIns,
  ...numbers,
  ...histories,
  ...folderLists,
  ...switches,
  ...pods,
];

/** Fields that nobody knows: refused where the client asks for strictness, as kubectl does, and else dropped. */
export const unknownFields: readonly (Sample & { readonly blames: string })[] = [
  { ...good('beside the others', { emailAdress: 'a@b.co' }), blames: 'spec.emailAdress' },
  { ...good('in sync', { sync: { maxMesages: 5 } }), blames: 'spec.sync.maxMesages' },
  {
    ...good('in a list of folders', { sync: { folders: { includes: ['a'] } } }),
    blames: 'spec.sync.folders.includes',
  },
  {
    ...good('in the reference', { credentialsSecretRef: { name: 'a', key: 'b' } }),
    blames: 'spec.credentialsSecretRef.key',
  },
];

export interface Change {
  readonly name: string;
  readonly before: Spec;
  readonly after: Spec;
  readonly blames?: string;
}

const adopting = { ...leastSpec, providerId: uuid };

export const changes: readonly Change[] = [
  { name: 'nothing', before: adopting, after: adopting },
  { name: 'the schedule', before: adopting, after: { ...adopting, schedule: 'H * * * *' } },
  { name: 'the address', before: leastSpec, after: { ...leastSpec, emailAddress: 'bob@contoso.com' } },
  { name: 'Delegated to Application', before: leastSpec, after: applicationSpec },
  {
    name: 'one row to another',
    before: adopting,
    after: { ...adopting, providerId: uuid.replace('0', '1') },
    blames: 'spec.providerId',
  },
  {
    name: 'a row to the same in capitals',
    before: adopting,
    after: { ...adopting, providerId: uuid.toUpperCase() },
    blames: 'spec.providerId',
  },
  { name: 'no row to one', before: leastSpec, after: adopting, blames: 'spec.providerId' },
  { name: 'a row to none', before: adopting, after: leastSpec, blames: 'spec.providerId' },
];

/** Names of the objects themselves, which are the API server's alone to judge. */
export const objectNames: readonly { readonly name: string; readonly blames?: string }[] = [
  { name: 'a' },
  { name: 'a'.repeat(63) },
  { name: `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61) },
  { name: 'a'.repeat(253) },
  { name: 'a'.repeat(254), blames: 'metadata.name' },
  { name: 'Anna', blames: 'metadata.name' },
  { name: 'anna_b', blames: 'metadata.name' },
  { name: '-anna', blames: 'metadata.name' },
];
