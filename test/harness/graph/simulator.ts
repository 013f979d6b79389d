/**
 * A simulated Microsoft Graph and Microsoft login, as a real HTTP server on loopback. It follows what is documented
 * and observed of Outlook mail, and its first duty is to refuse what Graph refuses: a client that passes here must
 * not be surprised there. Content is fixed by the seed; time comes from the clock it is given.
 * It must not be kinder than Graph: no answer for an unknown path, no ignored option, no lasting id by default.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Settings } from './context.ts';
import { answerControl } from './control.ts';
import type { DeviceCodeOptions, DeviceCodes } from './deviceCodes.ts';
import { Faults } from './faults.ts';
import { GraphServer } from './graphServer.ts';
import { Login, type LoginOptions } from './login.ts';
import { loginTarget, serveLogin, type LoginServerOptions } from './loginServer.ts';
import { SimulatedMailbox, type MailboxOptions } from './mailbox.ts';
import type { RequestRecord, TokenRequestRecord } from './requestLog.ts';
import type { LifecycleEvent } from './notifications.ts';
import { Push, type Delivery, type SimulatedPush } from './push.ts';
import type { PushOptions } from './pushOptions.ts';
import type { Oddities } from './rounds.ts';
import { SubscriptionRegister } from './subscriptionRegister.ts';
import { subscriptionSettings, type SubscriptionOptions } from './subscriptionTerms.ts';
import { Subscriptions, type SubscriptionRecord } from './subscriptions.ts';
import { readBody, send } from './transport.ts';

export interface GraphSimulatorOptions extends SubscriptionOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Default 1. */
  seed?: number;
  /** Default `simulated-client` and `simulated-secret`. */
  clientId?: string;
  clientSecret?: string;
  /** Default false: whoever signs in shows the secret. True: by device code and refresh token nobody may. */
  publicClientFlows?: boolean;
  deviceCodes?: DeviceCodeOptions;
  /** Default false: `/me/messages/delta` is refused, as Graph refuses it. */
  allowMailboxDelta?: boolean;
  /** Default true; false refuses `/me/mailFolders/delta`, as 21Vianet does. */
  allowFolderListDelta?: boolean;
  /** Requests per mailbox at a time, default 4; the one beyond gets a 429. */
  concurrencyLimit?: number;
  latencyMs?: number;
  /** Default 3600. */
  accessTokenSeconds?: number;
  /** Default false, as Entra; true: a refresh token that has been used is dead. */
  revokeRefreshTokenOnUse?: boolean;
  /** Default false; true: nextLink and deltaLink are relative. */
  relativeLinks?: boolean;
  /** Default true; false: `IdType="ImmutableId"` is not honoured. */
  immutableIds?: boolean;
  /** Probabilities 0..1. Default: half of the updates are sparse, nothing else is odd. */
  oddities?: Partial<Oddities>;
  /** How notifications are delivered; by default none leaves by itself. */
  push?: PushOptions;
  /** The time in ms; default the real one. */
  clock?: () => number;
  /** Default false; true opens POST /_simulator/… for changing a mailbox by hand. */
  control?: boolean;
}

export interface GraphSimulator {
  /** `http://127.0.0.1:PORT/v1.0`. */
  readonly graphBaseUrl: string;
  /** `http://127.0.0.1:PORT/common/oauth2/v2.0/token`. */
  readonly tokenUrl: string;
  /** The token URL of a tenant: app-only grants need one, `common` will not do. */
  tokenUrlOf(tenant: string): string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The last 100,000 requests to Graph, oldest first. */
  readonly requests: RequestRecord[];
  readonly tokenRequests: TokenRequestRecord[];
  readonly faults: Faults;
  /** Sign-ins by device code: what the person does at the page. */
  readonly deviceCodes: DeviceCodes;
  addMailbox(options: Omit<MailboxOptions, 'clock'>): SimulatedMailbox;
  /** Throws when there is none of that address. */
  mailbox(email: string): SimulatedMailbox;
  /** A bearer without the detour of a grant: for a mailbox, or with no address app-only. */
  issueAccessToken(email?: string): string;
  /** Every access token issued so far answers 401 from now on. */
  expireAccessTokens(): void;
  /** The live push subscriptions. */
  subscriptions(): SubscriptionRecord[];
  /** Lets a subscription vanish without a word: renewing it answers 404. */
  forgetSubscription(id: string): void;
  readonly push: SimulatedPush;
  /** Posts what has changed since the last call to the subscribers; with `push.auto` there is nothing left to post. */
  deliverNotifications(): Promise<Delivery[]>;
  /** `subscriptionRemoved` ends the subscription first, `reauthorizationRequired` withholds what happens from now on. */
  sendLifecycle(id: string, event: LifecycleEvent): Promise<Delivery>;
  clearRequests(): void;
  /** Ends every connection, answered or not. */
  close(): Promise<void>;
}

const CLOUD_ORIGINS = [
  'https://graph.microsoft.com',
  'https://graph.microsoft.us',
  'https://dod-graph.microsoft.us',
  'https://microsoftgraph.chinacloudapi.cn',
];

const NO_ODDITIES: Oddities = {
  sparseUpdates: 0.5,
  duplicateEntries: 0,
  duplicatePages: 0,
  emptyPages: 0,
  stringBooleans: 0,
};

function settingsOf(options: GraphSimulatorOptions): Settings {
  return {
    seed: options.seed ?? 1,
    allowMailboxDelta: options.allowMailboxDelta ?? false,
    allowFolderListDelta: options.allowFolderListDelta ?? true,
    relativeLinks: options.relativeLinks ?? false,
    immutableIds: options.immutableIds ?? true,
    oddities: { ...NO_ODDITIES, ...options.oddities },
    subscriptions: subscriptionSettings(options),
  };
}

function loginTerms(
  options: GraphSimulatorOptions,
): Pick<
  LoginOptions,
  'publicClientFlows' | 'deviceCodes' | 'accessTokenSeconds' | 'revokeRefreshTokenOnUse'
> {
  return {
    publicClientFlows: options.publicClientFlows ?? false,
    deviceCodes: options.deviceCodes ?? {},
    accessTokenSeconds: options.accessTokenSeconds ?? 3600,
    revokeRefreshTokenOnUse: options.revokeRefreshTokenOnUse ?? false,
  };
}

/** Mailboxes by address, compared without case. */
class MailboxRegister {
  readonly #mailboxes = new Map<string, SimulatedMailbox>();

  add(mailbox: SimulatedMailbox): SimulatedMailbox {
    const key = mailbox.email.toLowerCase();
    if (this.#mailboxes.has(key)) throw new Error(`There is a mailbox ${mailbox.email} already.`);
    this.#mailboxes.set(key, mailbox);
    return mailbox;
  }

  require(email: string): SimulatedMailbox {
    const mailbox = this.#mailboxes.get(email.toLowerCase());
    if (mailbox === undefined) throw new Error(`There is no mailbox ${email}.`);
    return mailbox;
  }

  all = (): Iterable<SimulatedMailbox> => this.#mailboxes.values();
}

/** What the parts of one running simulator share. */
class Simulation {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly requests: RequestRecord[] = [];
  readonly tokenRequests: TokenRequestRecord[] = [];
  readonly faults = new Faults();
  readonly register = new MailboxRegister();
  readonly login: Login;
  readonly clock: () => number;
  readonly subscribed: SubscriptionRegister;
  readonly subscriptions: Subscriptions;
  readonly push: Push;
  readonly #graph: GraphServer;
  readonly #loginServer: LoginServerOptions;
  readonly #control: boolean;
  #count = 0;
  /** Known once the server listens. */
  origin = '';

  constructor(options: GraphSimulatorOptions) {
    this.clientId = options.clientId ?? 'simulated-client';
    this.clientSecret = options.clientSecret ?? 'simulated-secret';
    this.clock = options.clock ?? Date.now;
    this.#control = options.control ?? false;
    const settings = settingsOf(options);
    this.login = new Login({
      ...loginTerms(options),
      clientId: this.clientId,
      clientSecret: this.clientSecret,
      seed: settings.seed,
      clock: this.clock,
      mailboxes: this.register.all,
      graphOrigins: () => [...CLOUD_ORIGINS, this.origin],
      verificationUri: () => `${this.origin}/devicelogin`,
    });
    const nextNumber = (): number => ++this.#count;
    const { login, faults, tokenRequests, clock } = this;
    this.#loginServer = { login, faults, tokenRequests, clock, nextNumber };
    const service = { settings, login: this.login, clock: this.clock, mailboxes: this.register.all };
    this.subscribed = new SubscriptionRegister(this.clock);
    this.subscriptions = new Subscriptions(service, this.subscribed);
    this.push = new Push(this.subscribed, options.push ?? {}, settings.seed);
    this.#graph = new GraphServer({
      service,
      subscriptions: this.subscriptions,
      faults: this.faults,
      requests: this.requests,
      concurrencyLimit: options.concurrencyLimit ?? 4,
      latencyMs: options.latencyMs ?? 0,
      nextNumber,
    });
  }

  addMailbox(options: MailboxOptions): SimulatedMailbox {
    const mailbox = this.register.add(new SimulatedMailbox({ ...options, clock: this.clock }));
    mailbox.log.listen(() => {
      this.push.changed(mailbox);
    });
    return mailbox;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = loginTarget(request);
    if (target !== undefined) {
      await serveLogin(this.#loginServer, target, request, response);
      return;
    }
    const act = /^\/_simulator\/([^?]*)/.exec(request.url ?? '')?.[1];
    if (this.#control && act !== undefined) {
      const push = { push: this.push, subscriptions: () => this.subscriptions.list() };
      const { deviceCodes } = this.login;
      const text = (await readBody(request)) ?? '';
      const reply = await answerControl({ act, text, mailboxes: this.register, push, deviceCodes });
      await this.push.deliver();
      send(response, reply);
      return;
    }
    await this.#graph.handle(request, response);
  }
}

/** Starts a simulator and resolves when it listens. The caller closes it. */
export async function startGraphSimulator(options: GraphSimulatorOptions = {}): Promise<GraphSimulator> {
  const simulation = new Simulation(options);
  const server = createServer((request, response) => {
    simulation.handle(request, response).catch((error: unknown) => {
      // A bug of the simulator must be loud: a status no client has a rule for, and the reason on stderr.
      console.error('The Graph simulator failed.', error);
      send(response, { status: 599, headers: {}, body: 'The simulator failed; see its stderr.' });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  simulation.origin = `http://${options.host ?? '127.0.0.1'}:${port}`;
  const { subscriptions, push } = simulation;
  const { origin, login, register, requests, tokenRequests, faults, clientId, clientSecret } = simulation;
  const tokenUrlOf = (tenant: string): string => `${origin}/${tenant}/oauth2/v2.0/token`;
  return {
    graphBaseUrl: `${origin}/v1.0`,
    tokenUrl: tokenUrlOf('common'),
    tokenUrlOf,
    clientId,
    clientSecret,
    requests,
    tokenRequests,
    faults,
    deviceCodes: login.deviceCodes,
    addMailbox: (mailbox) => simulation.addMailbox({ seed: options.seed ?? 1, ...mailbox }),
    mailbox: (email) => register.require(email),
    issueAccessToken: (email) => login.issue(email === undefined ? undefined : register.require(email)).text,
    expireAccessTokens: () => {
      login.expireAccessTokens();
    },
    push,
    subscriptions: () => subscriptions.list(),
    forgetSubscription: (id) => {
      simulation.subscribed.remove(id);
    },
    deliverNotifications: () => push.deliver(),
    sendLifecycle: (id, event) => push.sendLifecycle(id, event),
    clearRequests: () => {
      requests.length = 0;
      tokenRequests.length = 0;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeAllConnections();
      await Promise.all([closed, push.close(), subscriptions.close()]);
    },
  };
}
