// Refusals as the API server words them.
import type { Json } from './objectStore.ts';

export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: Json | undefined;

  constructor(status: number, reason: string, message: string, details?: Json) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
  }

  get body(): Json {
    const { status: code, reason, message, details } = this;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      details,
      code,
    };
  }
}

export function notFound(plural: string, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural });
}

export function alreadyExists(plural: string, name: string): Refusal {
  return new Refusal(409, 'AlreadyExists', `${plural} "${name}" already exists`, { name, kind: plural });
}

export function conflict(plural: string, name: string): Refusal {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return new Refusal(409, 'Conflict', `Operation cannot be fulfilled on ${plural} "${name}": ${why}`, {
    name,
    kind: plural,
  });
}

export function invalid(kind: string, name: string, field: string, message: string): Refusal {
  return new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${field}: ${message}`, {
    name,
    kind,
    causes: [{ reason: 'FieldValueInvalid', message, field }],
  });
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function expired(): Refusal {
  return new Refusal(410, 'Expired', 'The resourceVersion for the provided watch is too old.');
}

export function namespaceTerminating(plural: string, name: string, namespace: string): Refusal {
  const message = `${plural} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new Refusal(403, 'Forbidden', message, { name, kind: plural, causes: [cause] });
}
