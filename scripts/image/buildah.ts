// Images without a daemon: buildah builds and mounts them, runc runs containers on the mount. Root on Linux.
// The image store is buildah's own; CONTAINERS_STORAGE_CONF names the configuration of another one.
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { output, succeed, timedRun } from './command.ts';
import { type Engine, NOBODY, type OpenImage, type Start } from './engine.ts';

const inspected = z.object({
  OCIv1: z.object({ config: z.looseObject({ Env: z.array(z.string()).default([]) }) }),
});

export const buildah: Engine = {
  name: 'buildah',
  build: ({ context, tag, args, more }) => {
    const given = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
    return succeed('buildah', ['build', '--layers', ...given, ...more, '--tag', tag, context]);
  },
  open: openImage,
};

async function openImage(image: string): Promise<OpenImage> {
  const container = await output('buildah', ['from', '--pull-never', image]);
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-image-'));
  const close = async (): Promise<void> => {
    await rm(folder, { recursive: true });
    await output('buildah', ['rm', container]);
  };
  try {
    const root = await output('buildah', ['mount', container]);
    const { config } = inspected.parse(JSON.parse(await output('buildah', ['inspect', container]))).OCIv1;
    const run: OpenImage['run'] = async (start) => {
      const id = `outlook-sync-${randomUUID()}`;
      const bundle = join(folder, id);
      await mkdir(bundle);
      await writeFile(join(bundle, 'config.json'), JSON.stringify(specification(root, config.Env, start)));
      return timedRun('runc', ['--root', join(folder, 'runc'), 'run', '--bundle', bundle, id]);
    };
    return { config, run, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a restricted pod has, by the OCI runtime specification. */
function specification(root: string, imageEnv: readonly string[], start: Start): object {
  const { args, env = {}, user = NOBODY } = start;
  const own = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const kept = imageEnv.filter((entry) => !Object.hasOwn(env, entry.split('=')[0] ?? ''));
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: user, gid: user },
      args: ['node', ...args],
      env: [...kept, ...own],
      cwd: '/',
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: root, readonly: true },
    hostname: 'image',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/sysrq-trigger'],
      readonlyPaths: ['/proc/sys', '/proc/irq', '/proc/bus'],
    },
  };
}
