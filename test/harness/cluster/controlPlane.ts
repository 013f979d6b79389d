// A real control plane: etcd, API server and controller manager as processes of this user, on loopback only.
//
// It needs no root. RBAC is on, service accounts get real tokens, and jobs, cron jobs, deployments and garbage
// collection work; there is no scheduler and no node: processNode.ts takes their place. All ends with the process that
// started it, and nothing is kept: etcd does not wait for the disk.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditedWrite, readAudit } from './audit.ts';
import { clusterBinaries } from './binaries.ts';
import { type Cluster, kubectlOf } from './cluster.ts';
import { type Credentials, createCredentials, kubeconfigText } from './credentials.ts';
import { type Daemon, daemon } from './daemon.ts';
import { compactEtcd, isEtcdReady } from './etcd.ts';
import {
  AUDIT_POLICY,
  CONTROLLERS,
  type ControlPlaneSettings,
  FILES,
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
} from './flags.ts';
import { startKeeper } from './keeper.ts';
import { createRunFolder } from './runFolder.ts';

export interface ControlPlaneOptions {
  /** Keeps a log of all writes for auditLines(). Default: false. */
  readonly auditLog?: boolean;
  /**
   * Whether the API server answers lists and watches from its memory, as any real one does (default). Without, an old
   * version expires with compactEtcd() alone; with it, only after a restart of the API server as well.
   */
  readonly watchCache?: boolean;
  /** Which controllers run. Default: those that an operator and its Pods need. */
  readonly controllers?: readonly string[];
  /** Is told what takes minutes, a build of the programs. Default: on stderr. */
  readonly say?: (line: string) => void;
}

/** A program of the control plane that a test may disturb. */
interface DisturbableProgram extends Pick<Daemon, 'pid' | 'stop' | 'kill' | 'pause' | 'resume'> {
  /** Starts it again, on the same port with the same data, and resolves when it serves. */
  readonly start: () => Promise<void>;
}

export interface ControlPlane extends Cluster {
  /** URL of the API server. */
  readonly server: string;
  /** A bearer token that may do everything. */
  readonly adminToken: string;
  /** Path of the PEM file with the CA of the API server's certificate. */
  readonly caFile: string;
  /** Path of the kubectl that goes with it. */
  readonly kubectlFile: string;
  /** With the logs of all programs, until stop(). */
  readonly folder: string;
  readonly apiServer: DisturbableProgram;
  readonly controllerManager: DisturbableProgram;
  /** Makes etcd forget all former versions of all objects. */
  readonly compactEtcd: () => Promise<void>;
  /** All requests that wrote, answered so far. Rejects without the option `auditLog`. */
  readonly auditLines: () => Promise<AuditedWrite[]>;
  /** Ends all programs at once and removes the folder. Calling it again does nothing. */
  readonly stop: () => Promise<void>;
}

const START_ATTEMPTS = 3;
const READY_TIMEOUT_MS = 90_000;
const REQUEST_TIMEOUT_MS = 5_000;
const POLL_MS = 50;
// Below the ports that systems hand out to clients, as the API server must get the same one after a restart.
const PORTS = { first: 20_000, count: 12_000 };

/**
 * Starts a control plane and resolves when it is ready, the service account `default` included; about 10 seconds.
 * The first call on a machine may build the programs, which takes minutes. Rejects with the reason, and with the end
 * of the log of a program that ended.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = await clusterBinaries(options.say === undefined ? {} : { say: options.say });
  for (let attempt = 1; ; attempt += 1) {
    const plane = await preparePlane(settingsOf(options, await freePort()), binaries);
    try {
      await plane.begin();
      return plane.controlPlane;
    } catch (error) {
      await plane.controlPlane.stop();
      const isPortTaken = error instanceof Error && error.message.includes('address already in use');
      if (!isPortTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

function settingsOf(options: ControlPlaneOptions, port: number): ControlPlaneSettings {
  const { auditLog = false, watchCache = true, controllers = CONTROLLERS } = options;
  return { port, auditLog, watchCache, controllers };
}

interface PreparedPlane {
  readonly controlPlane: ControlPlane;
  readonly begin: () => Promise<void>;
}

async function preparePlane(
  settings: ControlPlaneSettings,
  binaries: Awaited<ReturnType<typeof clusterBinaries>>,
): Promise<PreparedPlane> {
  const folder = await createRunFolder();
  const keeper = startKeeper(folder);
  const { adminToken, managerToken } = await createCredentials(folder);
  await writeFile(join(folder, FILES.auditPolicy), JSON.stringify(AUDIT_POLICY));
  const program = (name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager', args: string[]): Daemon =>
    daemon({ file: binaries[name], args, folder, keeper });
  const etcd = program('etcd', etcdFlags());
  const apiServer = program('kube-apiserver', apiServerFlags(settings));
  const manager = program('kube-controller-manager', controllerManagerFlags(settings));
  const server = `https://127.0.0.1:${settings.port}`;
  const kubeconfig = join(folder, FILES.kubeconfig);
  const api: ApiAccess = { server, token: adminToken, folder };
  const startApiServer = async (): Promise<void> => {
    await apiServer.start();
    await until(() => answersOk(api, '/readyz'), [etcd, apiServer]);
  };
  const startManager = async (): Promise<void> => {
    await manager.start();
    const first = '/api/v1/namespaces/default/';
    await until(() => answersOk(api, `${first}serviceaccounts/default`), [etcd, apiServer, manager]);
    await until(() => answersOk(api, `${first}configmaps/kube-root-ca.crt`), [etcd, apiServer, manager]);
  };
  const begin = async (): Promise<void> => {
    await etcd.start();
    await until(() => isEtcdReady(folder), [etcd]);
    await startApiServer();
    await writeKubeconfigs(folder, server, { adminToken, managerToken });
    await startManager();
  };
  const stop = async (): Promise<void> => {
    // Nothing is kept, so nothing needs to end in order.
    await Promise.all([manager.kill(), apiServer.kill(), etcd.kill()]);
    keeper.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const controlPlane: ControlPlane = {
    server,
    adminToken,
    kubeconfig,
    caFile: join(folder, FILES.ca),
    kubectlFile: binaries.kubectl,
    folder,
    runsPods: 'process-node',
    kubectl: kubectlOf(binaries.kubectl, kubeconfig),
    apiServer: { ...apiServer, start: startApiServer },
    controllerManager: { ...manager, start: startManager },
    compactEtcd: () => compactEtcd(folder),
    auditLines: () => readAudit(folder),
    stop,
  };
  return { controlPlane, begin };
}

async function writeKubeconfigs(folder: string, server: string, tokens: Credentials): Promise<void> {
  const ca = await authorityOf(folder);
  await writeFile(join(folder, FILES.ca), ca);
  const users = [
    [FILES.managerKubeconfig, { name: 'controller-manager', token: tokens.managerToken }],
    [FILES.kubeconfig, { name: 'admin', token: tokens.adminToken }],
  ] as const;
  for (const [name, user] of users) {
    await writeFile(join(folder, name), kubeconfigText(server, ca, user), { mode: 0o600 });
  }
}

/** Polls until `condition` holds; throws when one of the programs ends meanwhile, or after a minute and a half. */
async function until(condition: () => Promise<boolean>, programs: readonly Daemon[]): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await condition())) {
    for (const program of programs) await program.assertRunning();
    if (performance.now() > deadline) {
      const names = programs.map(({ name }) => name).join(', ');
      throw new Error(`The control plane is not ready after ${READY_TIMEOUT_MS / 1000} s: ${names}`);
    }
    await sleep(POLL_MS);
  }
}

interface ApiAccess {
  readonly server: string;
  readonly token: string;
  readonly folder: string;
}

/** The CA that the API server made for its own certificate: the last certificate of the file. */
async function authorityOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, FILES.servingCertificate), 'utf8');
  const last = text.lastIndexOf('-----BEGIN CERTIFICATE-----');
  return text.slice(last);
}

async function answersOk({ server, token, folder }: ApiAccess, path: string): Promise<boolean> {
  const ca = await authorityOf(folder).catch(() => undefined);
  if (ca === undefined) return false;
  return new Promise((done) => {
    const headers = { authorization: `Bearer ${token}` };
    const options = { ca, headers, agent: false, timeout: REQUEST_TIMEOUT_MS } as const;
    const call = request(new URL(path, server), options, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    call.on('error', () => {
      done(false);
    });
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

/** A port that nobody listens on, chosen at random so that two runs hardly ever choose the same. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const server = createServer();
    const isFree = await new Promise<boolean>((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    await new Promise((done) => server.close(done));
    if (isFree) return port;
  }
}
