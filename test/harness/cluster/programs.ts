// Which programs make a control plane, and which else tests need; in which versions, and how each says its own.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// modules/kubernetes/go.mod pins the same.
export const KUBERNETES_VERSION = '1.36.3';
export const ETCD_VERSION = '3.6.8';
// modules/helm/go.mod pins the same.
export const HELM_VERSION = '4.3.1';

export const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
type PlaneProgram = (typeof PROGRAMS)[number];
export type Program = PlaneProgram | 'helm';
/** Path of each program's file. */
export type Binaries = Readonly<Record<PlaneProgram, string>>;

const VERSION_TIMEOUT_MS = 60_000;
const VERSION = /(?:etcd Version: |Kubernetes v|Client Version: v|^v)(\d+\.\d+\.\d+)/;
const VERSION_ARGS: Readonly<Partial<Record<Program, readonly string[]>>> = {
  kubectl: ['version', '--client'],
  helm: ['version', '--short'],
};

/** The version that this project is tested with. */
export function pinnedVersion(program: Program): string {
  if (program === 'helm') return HELM_VERSION;
  return program === 'etcd' ? ETCD_VERSION : KUBERNETES_VERSION;
}

/** The version that `file` reports when it is run; throws when it does not run or reports none. */
export async function reportedVersion(program: Program, file: string): Promise<string> {
  const args = VERSION_ARGS[program] ?? ['--version'];
  const { stdout } = await promisify(execFile)(file, args, { timeout: VERSION_TIMEOUT_MS });
  const version = VERSION.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${file} reports no version`);
  return version;
}

/** As Go names them, and with Go the download servers. */
export function goPlatform(): { readonly os: string; readonly arch: string } {
  const arch: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return { os: process.platform, arch: arch[process.arch] ?? process.arch };
}
