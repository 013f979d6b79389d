import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { programs } from '../../scripts/bundle.ts';
import { dockerfileProblems, letIn } from './imageRules.ts';
import { importsOf, readSources } from './sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (name: string): Promise<string> => readFile(join(ROOT, name), 'utf8');

/** Every file of this project that a program is made of. */
async function filesOf(program: string): Promise<string[]> {
  const sources = new Map((await readSources(ROOT)).map((file) => [file.path, file]));
  const reached = new Set([`${program}/main.ts`]);
  for (const path of reached) {
    const file = sources.get(path);
    for (const { target, isOwn } of file === undefined ? [] : importsOf(file)) {
      if (isOwn) reached.add(target);
    }
  }
  return [...reached];
}

it("the Dockerfile keeps to the project's rules, and to its Node", async () => {
  const manifest = z.object({ devDependencies: z.looseObject({ node: z.string() }) });
  const { devDependencies } = manifest.parse(JSON.parse(await read('package.json')));
  expect(dockerfileProblems(await read('Dockerfile'), devDependencies.node)).toEqual([]);
});

it.each(programs)('%s is started by the Dockerfile, so that it is known to start', async (program) => {
  expect(await read('Dockerfile')).toContain(`RUN ["node", "/app/${program}.js", "--help"]`);
});

it.each(programs)('the context of the image has every file of %s', async (program) => {
  const entries = letIn(await read('.dockerignore'));
  const files = await filesOf(program);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !entries.some((entry) => file.startsWith(`${entry}/`)))).toEqual([]);
});

it('the context of the image has neither tests nor what was installed or built here', async () => {
  const entries = letIn(await read('.dockerignore'));
  for (const name of ['test', 'demo', 'docs', 'node_modules', 'dist', '.git', '.cache', '.']) {
    expect(entries).not.toContain(name);
  }
});

describe('the rules for the Dockerfile', () => {
  const good = `
# The base.
ARG NODE_IMAGE=registry.example/node:1.2.3-slim
FROM \${NODE_IMAGE} AS build
RUN npm ci && \\
    npm run build
FROM scratch
COPY --from=build /out/ /
USER 65532:65532
ENTRYPOINT ["node"]
CMD ["/app/main.js"]
`;

  it('are kept by a good one', () => {
    expect(dockerfileProblems(good, '1.2.3')).toEqual([]);
  });

  it.each([
    ['1.2.3-slim', '1.2-slim', 'NODE_IMAGE does not default'],
    ['1.2.3-slim', '1.2.30-slim', 'NODE_IMAGE does not default'],
    ['FROM scratch', 'FROM alpine:3', 'FROM alpine:3 is neither'],
    ['USER 65532:65532', 'USER node', 'USER node is no number'],
    ['USER 65532:65532', 'USER 0:0', 'USER 0:0 is no number'],
    ['USER 65532:65532\n', '', 'USER undefined is no number'],
    ['ENTRYPOINT ["node"]', 'ENTRYPOINT node', 'ENTRYPOINT needs a shell'],
    ['CMD ["/app/main.js"]\n', '', 'CMD needs a shell'],
    ['COPY --from=build /out/ /', 'ADD https://example.com/x /x', 'ADD https://example.com/x /x may fetch'],
    ['--from=build', '--from=docker.io/busybox', 'COPY --from=docker.io/busybox /out/ / takes from another'],
    ['USER', 'ENV NPM_TOKEN=abc\nUSER', 'ENV NPM_TOKEN=abc looks like a secret'],
    ['USER', 'ARG DATABASE_PASSWORD\nUSER', 'ARG DATABASE_PASSWORD looks like a secret'],
    ['USER', 'RUN ["node", "x.js"]\nUSER', 'the last stage runs something'],
  ])('refuse %j made %j', (from, to, problem) => {
    expect(dockerfileProblems(good.replace(from, to), '1.2.3')).toEqual([expect.stringContaining(problem)]);
  });

  it.each(['node_modules\n', '*\n!api\ndocs\n', '', '!api\n*\n'])(
    'refuse the .dockerignore %j, which lets in what it does not name',
    (text) => {
      expect(() => letIn(text)).toThrow('.dockerignore');
    },
  );
});
