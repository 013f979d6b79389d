// Builds a program from the Go modules that the go.mod and go.sum in modules/ pin.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment, Maker } from './binaries.ts';
import { HELM_VERSION, KUBERNETES_VERSION, type Program } from './programs.ts';

const GO = 'go';
const MODULES = join(import.meta.dirname, 'modules');
// From this version on Go fetches the newer Go that go.mod asks for, and knows tool lines.
const OLDEST_GO = { major: 1, minor: 24 };
const BUILD_TIMEOUT_MS = 3_000_000;
const LOG_CHARS = 2_000;

const PACKAGES: Readonly<Record<Program, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  helm: 'helm.sh/helm/v4/cmd/helm',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
};

// Measured on two cores with an empty build cache, in this order: what they share is counted where it comes first.
const MINUTES: Readonly<Record<Program, number>> = {
  etcd: 1.5,
  'kube-apiserver': 6,
  'kube-controller-manager': 1.5,
  kubectl: 0.5,
  helm: 1.5,
};

/** Throws when there is no Go, or with the end of its output when the build fails. */
export const buildBinary: Maker = async (program, file, { env, say }) => {
  await requireGo(env);
  say(`Building ${program} with Go, once; about ${MINUTES[program]} minutes on two cores ...`);
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(program)];
  const child = spawn(GO, ['build', ...flags, '-o', file, PACKAGES[program]], {
    cwd: join(MODULES, program === 'helm' ? 'helm' : 'kubernetes'),
    // A user's workspace or flags are not this build's.
    env: { ...env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '', GOOS: '', GOARCH: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_TIMEOUT_MS,
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log = (log + chunk).slice(-LOG_CHARS);
  });
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`go build ended with ${String(child.exitCode)}:\n${log.trim()}`);
};

function linkerFlags(program: Program): string {
  const strip = '-s -w';
  if (program === 'etcd') return strip;
  if (program === 'helm') return `${strip} -X helm.sh/helm/v4/internal/version.version=v${HELM_VERSION}`;
  const [major, minor] = KUBERNETES_VERSION.split('.');
  const version = {
    gitVersion: `v${KUBERNETES_VERSION}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
  };
  const values = Object.entries(version).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return [strip, ...values].join(' ');
}

async function requireGo(env: Environment): Promise<void> {
  let output: string;
  try {
    output = (
      await promisify(execFile)(GO, ['version'], { env: { ...env }, cwd: join(MODULES, 'kubernetes') })
    ).stdout;
  } catch {
    throw new Error('there is no Go on the PATH that works');
  }
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(output) ?? [];
  const isNewEnough =
    Number(major) > OLDEST_GO.major ||
    (Number(major) === OLDEST_GO.major && Number(minor) >= OLDEST_GO.minor);
  if (!isNewEnough) throw new Error(`Go is too old: ${output.trim()}`);
}
