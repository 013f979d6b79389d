// Patterns that more than one value of the chart has to match; a text that may be empty says so with OR_EMPTY.
const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

const whole = (pattern: string): { pattern: string } => ({ pattern: `^${pattern}$` });
const orEmpty = (pattern: string): { pattern: string } => whole(`(${pattern})?`);

export const namespaceName = whole(LABEL);
export const objectName = { ...whole(SUBDOMAIN), maxLength: 253 };
export const objectNameOrEmpty = { ...orEmpty(SUBDOMAIN), maxLength: 253 };
export const secretKey = { ...whole('[-._a-zA-Z0-9]+'), maxLength: 253 };
export const hostOrEmpty = orEmpty(`(\\*\\.)?${SUBDOMAIN}`);
export const host = whole(`(\\*\\.)?${SUBDOMAIN}`);
export const digestOrEmpty = orEmpty('sha256:[0-9a-f]{64}');
export const tagOrEmpty = orEmpty('[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}');
export const duration = whole('([0-9]+(ms|s|m|h))+');

/** Tokens travel there: in plain text only to what is in the cluster, as the job has it. */
export const addressOrEmpty = orEmpty(
  'https://[^\\s?#]+|http://(localhost|[-a-z0-9]+|[-.a-z0-9]+\\.(svc|cluster\\.local))(:[0-9]+)?(/[^\\s?#]*)?',
);

/** Likewise, without a path. */
export const originOrEmpty = orEmpty(
  'https://[^/\\s?#]+|http://(localhost|[-a-z0-9]+|[-.a-z0-9]+\\.(svc|cluster\\.local))(:[0-9]+)?',
);
