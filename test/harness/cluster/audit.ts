// The API server's audit log: which requests wrote what, as a test counts them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { FILES } from './flags.ts';

export interface AuditedWrite {
  readonly verb: 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** As `system:serviceaccount:default:operator`. */
  readonly user: string;
  readonly userAgent: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty where the server chose the name. */
  readonly name: string;
  readonly uri: string;
  /** HTTP status of the answer. */
  readonly code: number;
  /** When the request came in, ISO 8601. */
  readonly receivedAt: string;
}

const event = z.object({
  verb: z.enum(['create', 'update', 'patch', 'delete', 'deletecollection']),
  user: z.object({ username: z.string().default('') }),
  userAgent: z.string().default(''),
  requestURI: z.string(),
  requestReceivedTimestamp: z.string(),
  objectRef: z
    .object({
      resource: z.string().default(''),
      subresource: z.string().default(''),
      namespace: z.string().default(''),
      name: z.string().default(''),
    })
    .prefault({}),
  responseStatus: z.object({ code: z.int().default(0) }).prefault({}),
});

/** All writes that have been answered, in the order of their answers. */
export async function readAudit(folder: string): Promise<AuditedWrite[]> {
  const text = await readFile(join(folder, FILES.auditLog), 'utf8');
  // A last line without its end is still being written.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { user, requestURI, requestReceivedTimestamp, objectRef, responseStatus, ...rest } = event.parse(
        JSON.parse(line),
      );
      return {
        ...rest,
        ...objectRef,
        user: user.username,
        uri: requestURI,
        code: responseStatus.code,
        receivedAt: requestReceivedTimestamp,
      };
    });
}
