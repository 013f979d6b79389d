// What is started for a container: command, variables and folder on this host. Pure.
import { join, posix } from 'node:path';
import { type PathMapping, toHostPath } from './containerPaths.ts';
import { expand } from './expansion.ts';
import type { Container, Pod } from './podSpec.ts';

/** What stands for an image. */
export interface ProcessImage {
  /** Host folders by the container paths where the image has them, such as `/app`; never `/` itself. */
  readonly root?: Readonly<Record<string, string>>;
  /** The command of containers that name none. `node`, alone, is the Node that runs this. */
  readonly entrypoint?: readonly string[];
  /** A container path; default: the container's own empty folder. */
  readonly workingDir?: string;
}

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface LaunchPlace {
  readonly image: ProcessImage;
  /** Host folders of the Pod's volumes, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The container's own folder on this host; it has an empty folder `tmp`. */
  readonly folder: string;
  readonly api: { readonly host: string; readonly port: string };
}

const SERVICE_ACCOUNT_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export function terminationFile(folder: string): string {
  return join(folder, 'termination-log');
}

/** `resolved` are the variables that the Pod asks for; the node adds what it must (see processNode.ts). */
export function planLaunch(
  pod: Pod,
  container: Container,
  resolved: Readonly<Partial<Record<string, string>>>,
  place: LaunchPlace,
): Launch {
  const mappings = mappingsOf(container, place);
  const asHosts = (text: string): string => toHostPath(text, mappings);
  const variables: Partial<Record<string, string>> = {
    PATH: process.env['PATH'] ?? '',
    HOME: place.folder,
    TMPDIR: join(place.folder, 'tmp'),
    // What V8 has compiled stays in an image's layer or on a node's disk; here it would go with each Pod.
    NODE_COMPILE_CACHE: join(place.folder, '..', '..', 'compile-cache'),
    HOSTNAME: pod.metadata.name,
    KUBERNETES_SERVICE_HOST: place.api.host,
    KUBERNETES_SERVICE_PORT: place.api.port,
    KUBERNETES_SERVICE_PORT_HTTPS: place.api.port,
    ...serviceAccountDir(mappings),
    ...resolved,
  };
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) env[name] = asHosts(value ?? '');
  const [command, args] = commandOf(container, place.image);
  const [file = '', ...rest] = [...command, ...args].map((text) => asHosts(expand(text, variables)));
  const workingDir = container.workingDir ?? place.image.workingDir;
  return {
    file: file === 'node' ? process.execPath : file,
    args: rest,
    env,
    cwd: workingDir === undefined ? place.folder : asHosts(workingDir),
  };
}

/** A command of its own replaces the image's, arguments included; arguments alone are added to it. */
function commandOf(container: Container, image: ProcessImage): [string[], string[]] {
  const command = container.command.length > 0 ? container.command : [...(image.entrypoint ?? [])];
  return [command, container.args];
}

function mappingsOf(container: Container, { image, volumes, folder }: LaunchPlace): PathMapping[] {
  const roots = Object.entries(image.root ?? {});
  const mounts = container.volumeMounts.map(({ name, mountPath, subPath }) => {
    return [mountPath, join(volumes.get(name) ?? '', subPath)] as const;
  });
  const message = [container.terminationMessagePath, terminationFile(folder)] as const;
  return [...roots, ...mounts, message].map(([containerPath, hostPath]) => ({
    containerPath: posix.join(containerPath, '.'),
    hostPath,
  }));
}

function serviceAccountDir(mappings: readonly PathMapping[]): Partial<Record<string, string>> {
  const mount = mappings.find(({ containerPath }) => containerPath === SERVICE_ACCOUNT_MOUNT);
  return mount === undefined ? {} : { KUBERNETES_SERVICE_ACCOUNT_DIR: mount.hostPath };
}
