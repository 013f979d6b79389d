// The benchmark of the container image: how large it is and how soon a program in it runs, both against the base that
// its Node comes from. What the figures mean: docs/benchmarks.md.
import { arch, availableParallelism, cpus } from 'node:os';
import { buildImage, defaultNodeImage, imagesNamed } from '../../../scripts/image/buildImage.ts';
import { listFiles } from '../../../scripts/image/check.ts';
import { totalBytes } from '../../../scripts/image/contents.ts';
import type { Engine, OpenImage, Start } from '../../../scripts/image/engine.ts';
import { findEngine } from '../../../scripts/image/findEngine.ts';
import type { Benchmark, Options } from '../benchmarks.ts';
import type { Figure } from '../figure.ts';
import { interleave, type Measurement, median, range } from '../rounds.ts';

interface Images {
  readonly engine: Engine;
  readonly ours: OpenImage;
  readonly base: OpenImage;
}

const MIB = 2 ** 20;
const HELP = { args: ['/app/job.js', '--help'] };
const NOTHING = { args: ['-e', '0'] };

async function measureSize({ ours, base }: Images): Promise<Figure[]> {
  const [own, whole] = [await listFiles(ours), await listFiles(base)];
  const without = own.filter(({ path }) => path !== '/usr/local/bin/node');
  return [
    {
      key: 'image.sizeVsBase',
      title: 'size of the image / of its base',
      value: totalBytes(own) / totalBytes(whole),
      goal: { atMost: 0.7 },
      detail: 'bytes of all files, as they lie on a node',
    },
    {
      key: 'image.sizeMiB',
      title: '  the image',
      value: totalBytes(own) / MIB,
      unit: 'MiB',
      detail: `${own.length} files and folders`,
    },
    {
      key: null,
      title: '  the image but for Node',
      value: totalBytes(without) / MIB,
      unit: 'MiB',
      detail: 'programs, compile cache, libraries, papers',
    },
    {
      key: null,
      title: '  the base',
      value: totalBytes(whole) / MIB,
      unit: 'MiB',
      detail: `${whole.length} files and folders`,
    },
  ];
}

/** Milliseconds of a whole container. */
function startOf(image: OpenImage, start: Start): Measurement {
  return async () => {
    const { code, stderr, tookMs } = await image.run(start);
    if (code !== 0)
      throw new Error(`node ${start.args.join(' ')} ended with ${code}: ${stderr.slice(0, 300)}`);
    return tookMs;
  };
}

async function measureStart({ engine, ours, base }: Images, rounds: number): Promise<Figure[]> {
  const sides = {
    base: startOf(base, NOTHING),
    node: startOf(ours, NOTHING),
    job: startOf(ours, HELP),
    uncached: startOf(ours, { ...HELP, env: { NODE_COMPILE_CACHE: '/nowhere' } }),
  };
  // Not counted: it brings both images from the disk.
  await interleave(1, sides);
  const took = await interleave(rounds, sides);
  const line = (title: string, values: readonly number[], detail: string): Figure => ({
    key: null,
    title: `  ${title}`,
    value: median(values),
    range: range(values),
    unit: 'ms',
    detail,
  });
  return [
    {
      key: 'image.coldStartVsBase',
      title: 'start of the job / of `node -e 0` in the base',
      value: median(took.job) / median(took.base),
      range: range(took.job.map((one, round) => one / (took.base[round] ?? NaN))),
      goal: { atMost: 3 },
      detail: `a new container each time, by ${engine.name}, ${rounds} rounds`,
    },
    line('node -e 0, base', took.base, 'the container included'),
    line('node -e 0, image', took.node, 'the same'),
    line('job --help, image', took.job, 'all of the job is loaded'),
    line('job --help, no compile cache', took.uncached, 'as for a user of another number'),
  ];
}

async function openNamed(engine: Engine, name: string, variable: string): Promise<OpenImage> {
  return engine.open(name).catch((cause: unknown) => {
    const advice = `Pull or build it, or name another by ${variable}. docs/container-image.md tells more.`;
    throw new Error(`${engine.name} has no image ${name} here. ${advice}`, { cause });
  });
}

async function openImages(options: Options): Promise<Images> {
  const engine = await findEngine();
  const { image: given, nodeImage } = imagesNamed();
  const base = await openNamed(engine, nodeImage ?? (await defaultNodeImage()), 'OUTLOOK_SYNC_NODE_IMAGE');
  try {
    if (given === undefined) options.progress(`building the image by ${engine.name}`);
    const tag = given ?? (await buildImage(engine, { nodeImage, engineArgs: [] }));
    return { engine, base, ours: await openNamed(engine, tag, 'OUTLOOK_SYNC_IMAGE') };
  } catch (error) {
    await base.close();
    throw error;
  }
}

function headingOf({ quick }: Options): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  const machine = `${availableParallelism()} cores (${model}), Node ${process.versions.node}`;
  return `image, on ${machine}${quick ? ' -- QUICK: a smoke test, no figures to judge by' : ''}`;
}

export const imageBenchmark: Benchmark = {
  summary: 'size and start of the container image, against the base of its Node',
  parts: {
    size: 'bytes of all files',
    start: 'from the creation of a container to the end of the job’s help',
  },
  run: async (options) => {
    const wants = (part: string): boolean => options.only.length === 0 || options.only.includes(part);
    const images = await openImages(options);
    const figures: Figure[] = [];
    try {
      if (wants('size')) {
        options.progress('sizes');
        figures.push(...(await measureSize(images)));
      }
      if (wants('start')) {
        options.progress('starts');
        figures.push(...(await measureStart(images, options.quick ? 3 : 25)));
      }
      return { heading: headingOf(options), figures };
    } finally {
      await images.ours.close();
      await images.base.close();
    }
  },
};
