// Builds the image of this checkout with its labels and its date.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { output } from './command.ts';
import type { Engine } from './engine.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export interface Wish {
  /** Undefined: outlook-sync with the version of package.json. */
  readonly tag?: string | undefined;
  /** The image that Node, its libraries and npm are taken from; undefined: the Dockerfile's own. */
  readonly nodeImage?: string | undefined;
  /** Where the sources are published, for a label. */
  readonly source?: string | undefined;
  readonly engineArgs: readonly string[];
}

/** Resolves to the image's tag. The date is SOURCE_DATE_EPOCH, or that of the commit: the same commit, the same layers. */
export async function buildImage(engine: Engine, wish: Wish): Promise<string> {
  const version = await versionOfPackage();
  const tag = wish.tag ?? `outlook-sync:${version}`;
  const revision = await fromGit(['rev-parse', 'HEAD']);
  const epoch = process.env['SOURCE_DATE_EPOCH'] ?? ((await fromGit(['log', '-1', '--format=%ct'])) || '0');
  const args = {
    VERSION: version,
    REVISION: revision,
    CREATED: new Date(Number(epoch) * 1000).toISOString(),
    SOURCE: wish.source ?? '',
    SOURCE_DATE_EPOCH: epoch,
    ...(wish.nodeImage !== undefined && { NODE_IMAGE: wish.nodeImage }),
  };
  await engine.build({ context: ROOT, tag, args, more: wish.engineArgs });
  return tag;
}

/** What somebody who measures or checks names in place of an image built here, and of the Dockerfile's base. */
export function imagesNamed(): {
  readonly image: string | undefined;
  readonly nodeImage: string | undefined;
} {
  const { OUTLOOK_SYNC_IMAGE: image, OUTLOOK_SYNC_NODE_IMAGE: nodeImage } = process.env;
  return { image, nodeImage };
}

/** The base that the Dockerfile names where nobody names another. */
export async function defaultNodeImage(): Promise<string> {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const [, image] = /^ARG NODE_IMAGE=(\S+)$/m.exec(text) ?? [];
  if (image === undefined) throw new Error('The Dockerfile names no NODE_IMAGE');
  return image;
}

async function versionOfPackage(): Promise<string> {
  const text = await readFile(join(ROOT, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Empty outside of a git checkout, such as in an archive of a release. */
async function fromGit(args: readonly string[]): Promise<string> {
  return output('git', ['-C', ROOT, ...args]).catch(() => '');
}
