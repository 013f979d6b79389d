import { describe, expect, it } from 'vitest';
import { failureOf, isKubeError, KubeError, refusalOf, streamErrorOf } from '../../../kube/errors.ts';

const read = { what: 'Get Job a/b', isWrite: false };
const write = { what: 'Create Job a/b', isWrite: true };

function status(reason: string, more: object = {}): string {
  return JSON.stringify({ kind: 'Status', status: 'Failure', message: 'Said so', reason, ...more });
}

const terminating = {
  causes: [{ reason: 'NamespaceTerminating', message: 'namespace a is being terminated' }],
};

describe('a refusal', () => {
  it.each([
    [400, status('BadRequest'), 'invalid'],
    [401, '', 'unauthorized'],
    [401, status('Unauthorized'), 'unauthorized'],
    [403, status('Forbidden'), 'forbidden'],
    [403, status('Forbidden', { details: terminating }), 'namespaceTerminating'],
    [404, status('NotFound'), 'notFound'],
    [404, '404 page not found', 'notFound'],
    [405, status('MethodNotAllowed'), 'invalid'],
    [408, '', 'timeout'],
    [409, status('Conflict'), 'conflict'],
    [409, status('AlreadyExists'), 'alreadyExists'],
    [409, 'Conflict', 'conflict'],
    [410, status('Expired'), 'gone'],
    [410, status('Gone'), 'gone'],
    [415, status('UnsupportedMediaType'), 'invalid'],
    [422, status('Invalid'), 'invalid'],
    [429, status('TooManyRequests'), 'throttled'],
    [429, 'slow down', 'throttled'],
    [500, status('InternalError'), 'server'],
    [502, '<html>Bad gateway</html>', 'server'],
    [503, status('ServiceUnavailable'), 'server'],
    [504, status('Timeout'), 'timeout'],
    [302, '', 'protocol'],
    [101, '', 'protocol'],
  ])('of status %i with %s is %s', (code, body, kind) => {
    const error = refusalOf(read, { status: code, body });
    expect([error.kind, error.status, error.uncertain]).toEqual([kind, code, false]);
  });

  it.each([
    'failed to create typed patch object (a/b; batch/v1, Kind=CronJob): .spec.x: field not declared in schema',
    'failed to convert new object (a/b; batch/v1, Kind=CronJob) to proper version: quantities must match',
  ])('of an apply that fits no schema is told, though its status is 500: %s', (message) => {
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', message, code: 500 });
    const { kind, uncertain, message: told } = refusalOf(write, { status: 500, body });
    expect([kind, uncertain]).toEqual(['invalid', false]);
    expect(told).toContain(message);
  });

  it.each([
    [409, false],
    [429, false],
    [500, true],
    [502, true],
    [504, true],
  ])('of a write with status %i may have happened: %s', (code, uncertain) => {
    expect(refusalOf(write, { status: code, body: '' }).uncertain).toBe(uncertain);
  });

  it('tells what was tried, what the server said, and why, field by field', () => {
    const causes = [
      { reason: 'FieldValueInvalid', message: 'must be positive', field: 'spec.count' },
      { reason: 'Other', message: 'no field' },
    ];
    const body = status('Invalid', { message: 'Job "b" is invalid', details: { causes } });
    const error = refusalOf(write, { status: 422, body, retryAfterMs: 1_000 });
    expect(error.message).toBe('Create Job a/b: Job "b" is invalid (422 Invalid)');
    expect(error.causes).toEqual([
      { field: 'spec.count', message: 'must be positive' },
      { message: 'no field' },
    ]);
    expect([error.reason, error.retryAfterMs, error.name]).toEqual(['Invalid', 1_000, 'KubeError']);
  });

  it('repeats nothing that is no Status, nothing that a proxy said, and nothing endless', () => {
    const text = (code: number, body: string): string => refusalOf(read, { status: code, body }).message;
    expect(text(403, 'secret words')).toBe('Get Job a/b: 403');
    expect(text(403, '{"message":"secret words"}')).toBe('Get Job a/b: 403');
    expect(text(500, status('InternalError', { message: 'secret words' }))).toBe(
      'Get Job a/b: 500 InternalError',
    );
    const long = 'x'.repeat(10_000);
    const cause = { message: long, field: 'a' };
    const endless = status('Invalid', { message: long, details: { causes: Array(1_000).fill(cause) } });
    const error = refusalOf(read, { status: 422, body: endless });
    expect(error.message.length).toBe(500);
    expect([error.causes.length, error.causes[0]?.message.length]).toEqual([10, 500]);
  });

  it.each([
    'null',
    '[]',
    '{"kind":"Status","details":null}',
    '{"kind":"Status","details":{"causes":[null,1]}}',
    '{',
  ])('with the body %s is read without harm', (body) => {
    expect(refusalOf(read, { status: 403, body })).toMatchObject({ kind: 'forbidden', causes: [] });
  });
});

describe('an error inside a watch', () => {
  it.each([
    [{ code: 410, reason: 'Expired' }, 'gone'],
    [{ code: 410, reason: 'Gone' }, 'gone'],
    [{ reason: 'Expired' }, 'gone'],
    [{ code: 500, reason: 'InternalError' }, 'server'],
    [{ code: 403, reason: 'Forbidden' }, 'forbidden'],
    [{}, 'protocol'],
    [null, 'protocol'],
    ['text', 'protocol'],
  ])('%j is %s', (object, kind) => {
    expect(streamErrorOf('Watch Job', object).kind).toBe(kind);
  });
});

describe('a failure on the way', () => {
  const failure = (code: string): Error => Object.assign(new Error('secret words'), { code });

  it.each([
    ['ECONNREFUSED', 'network', false],
    ['ENOTFOUND', 'network', false],
    ['EAI_AGAIN', 'network', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'network', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'network', false],
    ['CERT_HAS_EXPIRED', 'network', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'network', false],
    ['ECONNRESET', 'network', true],
    ['UND_ERR_SOCKET', 'network', true],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', true],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', true],
    ['', 'network', true],
  ])('with the code %s is %s, and a write that may have happened: %s', (code, kind, uncertain) => {
    const error = failureOf(write, failure(code));
    expect([error.kind, error.uncertain, error.status]).toEqual([kind, uncertain, undefined]);
    expect(failureOf(read, failure(code)).uncertain).toBe(false);
    expect(error.message).not.toContain('secret words');
  });
});

it('a KubeError is known by its kind', () => {
  const error = new KubeError('gone', 'Gone');
  expect([
    isKubeError(error),
    isKubeError(error, 'conflict', 'gone'),
    isKubeError(error, 'conflict'),
  ]).toEqual([true, true, false]);
  expect(isKubeError(new Error('gone'), 'gone')).toBe(false);
});
