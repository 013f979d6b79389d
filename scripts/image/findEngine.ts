// Which container engine works on this machine: buildah with runc (root on Linux, no daemon), docker, or podman.
import { buildah } from './buildah.ts';
import { output, succeed, timedRun } from './command.ts';
import { type Engine, NOBODY } from './engine.ts';

/** docker and podman, which take the same arguments. */
function withDaemon(name: 'docker' | 'podman'): Engine {
  return {
    name,
    build: ({ context, tag, args, more }) => {
      const given = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
      return succeed(name, ['build', ...given, ...more, '--tag', tag, context]);
    },
    open: async (image) => ({
      config: JSON.parse(await output(name, ['image', 'inspect', '--format', '{{json .Config}}', image])),
      run: ({ args, env = {}, user = NOBODY }) => {
        const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
        const closed = ['--rm', '--read-only', '--network=none', '--cap-drop=ALL'];
        const identity = ['--security-opt=no-new-privileges', `--user=${user}:${user}`, '--entrypoint=node'];
        return timedRun(name, ['run', ...closed, ...identity, ...variables, image, ...args]);
      },
      close: () => Promise.resolve(),
    }),
  };
}

const answers = async (command: string, args: readonly string[]): Promise<boolean> =>
  output(command, args).then(
    () => true,
    () => false,
  );

/** The first that works here; rejects with what was tried. */
export async function findEngine(): Promise<Engine> {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  if (isRoot && (await answers('buildah', ['--version'])) && (await answers('runc', ['--version'])))
    return buildah;
  if (await answers('docker', ['info'])) return withDaemon('docker');
  if (await answers('podman', ['info'])) return withDaemon('podman');
  throw new Error(
    'No container engine works here. Needed is one of: buildah and runc (as root on Linux), docker with its daemon,' +
      ' podman.',
  );
}
