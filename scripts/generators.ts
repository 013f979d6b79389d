// The one list of files that are generated from the code, and how to tell that one of them is stale.
// A generator is pure: the same code gives the same text, on every machine.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderCrdTemplate, renderRules } from './chart/chartFiles.ts';
import { renderChartReadme, renderSchema, renderValues } from './chart/valueFiles.ts';
import { renderCrd } from './crdFile.ts';
import {
  renderEnvironment,
  renderOperatorEnvironment,
  renderWebhookEnvironment,
} from './environmentReference.ts';
import { renderProviderReference } from './providerReference.ts';
import { renderTroubleshooting } from './troubleshooting/page.ts';

export interface Generator {
  /** Path below the project's root, with slashes. */
  readonly file: string;
  /** The whole text of the file. */
  readonly render: () => string | Promise<string>;
}

export const generators: readonly Generator[] = [
  { file: 'charts/outlook-sync/README.md', render: renderChartReadme },
  { file: 'charts/outlook-sync/files/rules.yaml', render: renderRules },
  {
    file: 'charts/outlook-sync/templates/crds/outlooksync.dev_outlookproviders.yaml',
    render: renderCrdTemplate,
  },
  { file: 'charts/outlook-sync/values.schema.json', render: renderSchema },
  { file: 'charts/outlook-sync/values.yaml', render: renderValues },
  { file: 'crds/outlooksync.dev_outlookproviders.yaml', render: renderCrd },
  { file: 'docs/reference/environment.md', render: renderEnvironment },
  { file: 'docs/reference/outlookprovider.md', render: renderProviderReference },
  { file: 'docs/reference/operator-environment.md', render: renderOperatorEnvironment },
  { file: 'docs/reference/webhook-environment.md', render: renderWebhookEnvironment },
  { file: 'docs/troubleshooting.md', render: renderTroubleshooting },
];

/** The generators whose file is missing below `root`, or differs from what they would write. */
export async function staleGenerators(root: string, candidates: readonly Generator[]): Promise<Generator[]> {
  const stale: Generator[] = [];
  for (const generator of candidates) {
    const present = await readIfPresent(join(root, generator.file));
    if (present !== (await generator.render())) stale.push(generator);
  }
  return stale;
}

/** Writes each generator's file below `root`, and the folders on the way to it. */
export async function writeGenerated(root: string, chosen: readonly Generator[]): Promise<void> {
  for (const generator of chosen) {
    const path = join(root, generator.file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await generator.render());
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
