// What the benchmark of the webhook stands on: a real API server with many OutlookProviders, the built webhook, a bare
// server to compare it with, and the load, each in a process of its own.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outlookProviders } from '../../../api/resource.ts';
import { bundleWebhook } from '../../../scripts/bundle.ts';
import { startWebhook, type WebhookProcess } from '../../e2e/webhookProcess.ts';
import { type Companion, startCompanion } from '../companion.ts';
import { createFleet, fleet } from '../operator/fleet.ts';
import { mountAccount } from '../operator/serviceAccount.ts';
import { openWorld, type World } from '../operator/world.ts';
import { z } from 'zod';
import { secrets } from './notifications.ts';

export interface WebhookWorld extends World {
  /** By the order of their creation: uid, which is the id of the row, and name. */
  readonly providers: readonly { readonly uid: string; readonly name: string }[];
  readonly webhook: WebhookProcess;
  readonly webhookPort: number;
  readonly barePort: number;
  readonly load: Companion;
}

const bareServerFile = fileURLToPath(new URL('./bareServer.ts', import.meta.url));
const generatorFile = fileURLToPath(new URL('./generator.ts', import.meta.url));

export async function openWebhookWorld(
  size: number,
  progress: (text: string) => void,
): Promise<WebhookWorld> {
  const world = await openWorld(progress);
  const closing: (() => Promise<unknown>)[] = [world.close];
  const close = async (): Promise<void> => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    progress(`creating ${size.toLocaleString('en-US')} providers`);
    const refs = fleet(size);
    await createFleet(world.client, refs);
    const uids = await uidsOf(world);
    const webhook = startWebhook(await bundleWebhook(world.folder), await environmentOf(world));
    closing.push(() => webhook.kill('SIGTERM'));
    const webhookPort = await webhook.isReady();
    const bare = startCompanion(bareServerFile);
    closing.push(bare.close);
    const { port: barePort } = await bare.ask({}, z.object({ port: z.number() }));
    const load = startCompanion(generatorFile);
    closing.push(load.close);
    const providers = refs.map(({ name }) => ({ name, uid: uids.get(name) ?? '' }));
    return { ...world, providers, webhook, webhookPort, barePort, load, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function uidsOf({ client }: World): Promise<Map<string, string>> {
  const { items } = await client.list(outlookProviders, { metadataOnly: true });
  return new Map(items.map(({ metadata: { name, uid = '' } }) => [name, uid]));
}

/** Its defaults, but for the limit of one address: here there is but one. */
async function environmentOf(world: World): Promise<Record<string, string>> {
  const account = await mountAccount(world, 'outlook-sync-webhook', join(world.folder, 'webhook-account'));
  return {
    ...account,
    ...secrets,
    POD_NAME: 'benchmark',
    OUTLOOK_WEBHOOK_HTTP_PORT: '0',
    OUTLOOK_WEBHOOK_METRICS_PORT: '0',
    OUTLOOK_WEBHOOK_RATE_LIMIT: '1000000',
  };
}
