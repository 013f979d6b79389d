/**
 * Which resource a request means and whether its bearer may have it. Pure with respect to HTTP: a request in, a
 * reply out. What no route knows is refused; nothing falls through to a 200.
 */
import { readPreferences, type RouteContext, type Settings } from './context.ts';
import { folderMessagesDelta, foldersDelta, mailboxMessagesDelta } from './deltaRoutes.ts';
import { errorBody, GraphRefusal, refuse, type Reply, type RequestIdentity } from './graphError.ts';
import { getFolder, getMessage, listFolders, listMasterCategories, listMessages } from './listRoutes.ts';
import type { AccessToken, Login } from './login.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import { parseQuery } from './query.ts';

export interface GraphService {
  settings: Settings;
  login: Login;
  clock: () => number;
  mailboxes: () => Iterable<SimulatedMailbox>;
}

export interface GraphRequest {
  method: string;
  /** As sent, percent-encoded, without the query. */
  path: string;
  /** As sent, without the question mark. */
  query: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** `http://host:port`. */
  origin: string;
}

type Handler = (context: RouteContext) => object;

const USER_READ = 'User.Read';
const USER_FIELDS = ['displayName', 'id', 'mail', 'userPrincipalName'] as const;

/** `/me`: who signed in. Of the many properties those that are asked for by name; the rest is none of our business. */
function userOf(token: AccessToken, request: GraphRequest): Reply {
  const { mailbox } = token;
  const scopes = (token.scope ?? '').split(' ').map((scope) => scope.split('/').at(-1));
  if (request.method !== 'GET' || mailbox === undefined || !scopes.includes(USER_READ))
    return refuse(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
  const asked = new URLSearchParams(request.query).get('$select')?.split(',') ?? [...USER_FIELDS];
  const unknown = asked.find((name) => !USER_FIELDS.some((one) => one === name));
  if (unknown !== undefined)
    refuse(400, 'BadRequest', `Could not find a property named '${unknown}' on type 'microsoft.graph.user'.`);
  const { email, mail, userId } = mailbox;
  const user = { displayName: email.split('@')[0], id: userId, mail, userPrincipalName: email };
  const body = Object.fromEntries(Object.entries(user).filter(([name]) => asked.includes(name)));
  return {
    status: 200,
    headers: {},
    body: { '@odata.context': `${request.origin}/v1.0/$metadata`, ...body },
  };
}

/** `:folder` and `:message` stand for any one segment; the first pattern that fits decides. */
const ROUTES: readonly (readonly [string, Handler])[] = [
  ['messages', listMessages],
  ['messages/delta', mailboxMessagesDelta],
  ['messages/:message', getMessage],
  ['mailfolders', listFolders],
  ['mailfolders/delta', foldersDelta],
  ['mailfolders/:folder', getFolder],
  ['mailfolders/:folder/childfolders', listFolders],
  ['mailfolders/:folder/messages', listMessages],
  ['mailfolders/:folder/messages/delta', folderMessagesDelta],
  ['mailfolders/:folder/messages/:message', getMessage],
  ['outlook/mastercategories', listMasterCategories],
];

/** Decoded segments after the version. A key in parentheses, `messages('id')`, counts as a segment of its own. */
export function pathSegments(path: string): string[] {
  const inside = /^\/v1\.0(?:\/|$)(.*)$/.exec(path)?.[1];
  if (inside === undefined) refuse(400, 'BadRequest', 'Invalid version: only v1.0 is served.');
  const raw = inside.replace(/\/$/, '').split('/');
  return raw.flatMap((segment) => {
    const text = decodeSegment(segment);
    const keyed = /^([A-Za-z]+)\('(.+)'\)$/.exec(text);
    if (keyed !== null) return [keyed[1] ?? '', (keyed[2] ?? '').replaceAll("''", "'")];
    return [text.replace(/\(\)$/, '')];
  });
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return refuse(400, 'BadRequest', 'The path is not validly percent-encoded.');
  }
}

function fit(pattern: string, segments: readonly string[]): RouteContext['ids'] | undefined {
  const parts = pattern.split('/');
  if (parts.length !== segments.length) return undefined;
  const ids: RouteContext['ids'] = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (part === ':folder') ids.folder = segment;
    else if (part === ':message') ids.message = segment;
    // Resource names are not case-sensitive at Graph; ids are.
    else if (part !== segment.toLowerCase()) return undefined;
  }
  return ids;
}

const ACCESS_DENIED = 'Access is denied. Check credentials and try again.';
const CHALLENGE =
  'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"';

function unauthorised(message: string): never {
  refuse(401, 'InvalidAuthenticationToken', message, { 'www-authenticate': CHALLENGE });
}

/** The bearer of a request, alive; 401 otherwise. */
export function authenticate(service: GraphService, headers: GraphRequest['headers']): AccessToken {
  const text = /^Bearer\s+(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
  if (text === undefined) return unauthorised('Access token is empty.');
  const token = service.login.find(text);
  if (token === undefined) return unauthorised('IDX14100: JWT is not well formed, there are no dots (.).');
  if (token.expiresAt <= service.clock())
    return unauthorised('Lifetime validation failed, the token is expired.');
  return token;
}

function byIdOrName(service: GraphService, name: string): SimulatedMailbox | undefined {
  const wanted = name.toLowerCase();
  for (const mailbox of service.mailboxes()) {
    if (mailbox.email.toLowerCase() === wanted || mailbox.userId === wanted) return mailbox;
  }
  return undefined;
}

/** The mailbox a path names, whether or not the bearer may see it. */
export function namedMailbox(
  service: GraphService,
  path: string,
  token: AccessToken | undefined,
): SimulatedMailbox | undefined {
  const [first = '', name = ''] = pathSegments(path);
  return first.toLowerCase() === 'users' ? byIdOrName(service, name) : token?.mailbox;
}

export interface Target {
  mailbox: SimulatedMailbox;
  /** The segments below the mailbox. */
  rest: string[];
}

/** `/users/{id or name}`: an app-only bearer sees every mailbox, a delegated one its own. */
function userTarget(service: GraphService, token: AccessToken, name: string, rest: string[]): Target {
  const mailbox = byIdOrName(service, name);
  if (mailbox !== undefined && (token.mailbox ?? mailbox) === mailbox) return { mailbox, rest };
  if (token.mailbox !== undefined) return refuse(403, 'ErrorAccessDenied', ACCESS_DENIED);
  return refuse(404, 'ErrorInvalidUser', `The requested user '${name}' is invalid.`);
}

/** The mailbox that a path (decoded segments) means for a bearer; refuses what the bearer may not see. */
export function mailboxAndRest(
  service: GraphService,
  token: AccessToken,
  segments: readonly string[],
): Target {
  const [first = '', second] = segments;
  if (first.toLowerCase() === 'users' && second !== undefined) {
    return userTarget(service, token, second, segments.slice(2));
  }
  if (first.toLowerCase() !== 'me') {
    return refuse(400, 'BadRequest', `Resource not found for the segment '${first}'.`);
  }
  if (token.mailbox !== undefined) return { mailbox: token.mailbox, rest: segments.slice(1) };
  return refuse(400, 'BadRequest', '/me request is only valid with delegated authentication flow.');
}

function route(service: GraphService, request: GraphRequest): Reply {
  const token = authenticate(service, request.headers);
  const { mailbox, rest } = mailboxAndRest(service, token, pathSegments(request.path));
  if (rest.length === 0) return userOf(token, request);
  for (const [pattern, handler] of ROUTES) {
    const ids = fit(pattern, rest);
    if (ids === undefined) continue;
    // The grant is Mail.Read: whatever would write is forbidden.
    if (request.method !== 'GET') refuse(403, 'ErrorAccessDenied', ACCESS_DENIED);
    const { settings } = service;
    const prefer = readPreferences(request.headers['prefer'], settings.immutableIds);
    const options = parseQuery(request.query);
    const body = handler({
      mailbox,
      settings,
      options,
      prefer,
      ids,
      origin: request.origin,
      path: request.path,
    });
    return { status: 200, headers: {}, body };
  }
  return refuse(400, 'BadRequest', `Resource not found for the segment '${rest.at(-1) ?? 'user'}'.`);
}

/** The reply to one request; refusals become Graph's error bodies, anything else that is thrown is a bug. */
export function answerGraph(service: GraphService, request: GraphRequest, identity: RequestIdentity): Reply {
  return guarded(identity, () => route(service, request));
}

/** Runs `act` and turns a refusal into Graph's error body. */
export function guarded(identity: RequestIdentity, act: () => Reply): Reply {
  try {
    return act();
  } catch (error) {
    return refusalOf(error, identity);
  }
}

/** Graph's error body for a refusal; anything else is thrown on. */
export function refusalOf(error: unknown, identity: RequestIdentity): Reply {
  if (!(error instanceof GraphRefusal)) throw error;
  return {
    status: error.status,
    headers: error.headers,
    body: errorBody(error.code, error.message, identity),
  };
}
