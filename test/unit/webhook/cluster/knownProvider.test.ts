// What is kept of an OutlookProvider, and what it is found by.
import { expect, test } from 'vitest';
import { nameOf, reduceProvider, type KnownProvider } from '../../../../webhook/cluster/knownProvider.ts';

const row = '8F14E45F-CEEA-467F-A9C3-5F1B2B0B9A11';

function known(spec: unknown, status?: unknown, metadata: object = {}): KnownProvider {
  return reduceProvider({
    apiVersion: 'outlooksync.dev/v1alpha1',
    kind: 'OutlookProvider',
    metadata: { namespace: 'team', name: 'anna', uid: 'UID-1', resourceVersion: '7', ...metadata },
    spec,
    status,
  } as never);
}

test('it is found by its rows, addresses and subscription, in any case', () => {
  const spec = {
    providerId: row,
    emailAddress: 'Anna@Contoso.example',
    userPrincipalName: 'ANNA@corp.example',
  };
  const status = {
    providerId: row.toLowerCase(),
    subscription: { id: 'Sub-1', expiresAt: '2026-12-01T00:00:00Z' },
  };
  expect(known(spec, status).names).toEqual([
    nameOf('row', row),
    nameOf('row', 'uid-1'),
    nameOf('address', 'anna@contoso.example'),
    nameOf('address', 'anna@corp.example'),
    nameOf('subscription', 'sub-1'),
  ]);
});

test('one name never stands for another kind', () => {
  expect(nameOf('row', 'x')).not.toBe(nameOf('address', 'x'));
});

test('a broken part hides no other', () => {
  const broken = known(
    { emailAddress: 7, providerId: null, userPrincipalName: 'anna@corp.example' },
    'nothing',
  );
  expect(broken.names).toEqual([nameOf('row', 'uid-1'), nameOf('address', 'anna@corp.example')]);
  expect(broken.isActive).toBe(true);
  expect(known(undefined).names).toEqual([nameOf('row', 'uid-1')]);
});

test.each([
  ['suspended', { suspend: true }, {}],
  ['on its way out', {}, { deletionTimestamp: '2026-11-25T00:00:00Z' }],
])('it is not active while it is %s', (_what, spec, metadata) => {
  expect(known(spec, {}, metadata).isActive).toBe(false);
});

test('no more than that is kept', () => {
  const spec = { emailAddress: 'anna@contoso.example', podTemplate: { annotations: { big: 'x' } } };
  const status = { lastSyncError: 'long', conditions: [], syncRequestedAt: '2026-11-25T10:00:00.000Z' };
  const kept = known(spec, status, { annotations: { note: 'x' }, labels: { a: 'b' } });
  expect(JSON.stringify(kept)).not.toMatch(/podTemplate|long|annotations|labels/);
  expect(kept).toMatchObject({
    key: 'team/anna',
    syncRequestedAt: '2026-11-25T10:00:00.000Z',
    ranAt: 0,
  });
});
