// What a container engine is asked for, whichever it is.
import type { Ended } from './command.ts';

interface Build {
  readonly context: string;
  readonly tag: string;
  readonly args: Readonly<Record<string, string>>;
  /** Arguments of the engine's own, such as those of a proxy or a secret. */
  readonly more: readonly string[];
}

export interface Start {
  /** Arguments of the image's `node`. */
  readonly args: readonly string[];
  /** Variables set to these values, before the image's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** 65532 by default. */
  readonly user?: number;
}

/** An image that containers can be made of; each has a read-only root, no network and no rights. */
export interface OpenImage {
  /** The image's configuration as the OCI image specification has it. */
  readonly config: unknown;
  readonly run: (start: Start) => Promise<Ended>;
  readonly close: () => Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Shows its progress on stderr; rejects when it fails. */
  readonly build: (build: Build) => Promise<void>;
  /** Rejects when there is no such image here. */
  readonly open: (image: string) => Promise<OpenImage>;
}

export const NOBODY = 65_532;
