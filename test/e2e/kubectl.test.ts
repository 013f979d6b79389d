// What a person sees at the terminal: docs/reference/kubectl.md is written from it and held to it. After a change
// that is meant, `npm test -- test/e2e/kubectl --update` writes the page anew.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { isReady, standing } from './owner.ts';
import { type Stage, openStage } from './stage.ts';
import { alwaysTheSame } from './terminalText.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'kubectl.md');

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('kubectl');
  const operator = await stage.startOperator();
  await operator.leads();
  const [anna, ben, cleo] = [
    await stage.addOwner({ name: 'anna', email: 'anna@contoso.example', messages: 40 }),
    await stage.addOwner({ name: 'ben', email: 'ben@contoso.example', messages: 5 }),
    await stage.addOwner({ name: 'cleo', email: 'cleo@contoso.example', messages: 5 }),
  ];
  ben.mailbox.revokeGrant();
  const schedule = '30 6 * * *';
  await stage.applyProvider(anna, { schedule });
  await stage.applyProvider(ben, { schedule });
  await stage.applyProvider(cleo, { schedule, suspend: true });
  await stage.seeProvider(anna, 'Ready', isReady);
  await stage.seeProvider(ben, 'Stalled', (one) => standing(one, 'Stalled').startsWith('True'));
  await stage.seeProvider(cleo, 'Suspended', ({ status }) => status?.phase === 'Suspended');
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

/** As a shell takes them apart. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);

/** A command as a person types it, in the namespace of the stage, and what it prints. */
async function session(...commands: string[]): Promise<string> {
  const shown: string[] = [];
  for (const command of commands) {
    const output = await stage.kubectl(...wordsOf(command).slice(1));
    shown.push(`$ ${command}`, alwaysTheSame(output, stage.namespace).trimEnd(), '');
  }
  return ['```console', ...shown.slice(0, -1), '```'].join('\n');
}

test('every command of the page prints what the page says', async () => {
  const page = `# OutlookProviders with kubectl

What the commands print on a cluster with three providers: \`anna\` is in sync, the grant of \`ben\` is dead, and
\`cleo\` is suspended. Names, times and ids stand for others.

## At a glance

${await session('kubectl get outlookproviders', 'kubectl get olp -o wide')}

STATUS is the phase of the last run, READY the summary: \`False\` with a REASON when somebody should look. All columns,
phases, conditions and reasons are in [the reference](outlookprovider.md).

## One provider

${await session('kubectl describe olp anna')}

${await session('kubectl get cronjobs,leases -l outlooksync.dev/instance=outlook-sync-anna -o name')}

## In scripts

${await session(
  'kubectl wait --for=condition=Ready olp/anna --timeout=60s',
  'kubectl wait --for=condition=Stalled olp/ben --timeout=60s',
  `kubectl get olp ben -o 'jsonpath={.status.lastSyncError}'`,
)}

## By hand

${await session(
  'kubectl annotate olp anna outlooksync.dev/sync-requested-at=now --overwrite',
  `kubectl patch olp anna --type=merge -p '{"spec":{"suspend":true}}'`,
)}

## What a field means

${await session('kubectl explain olp', 'kubectl explain olp.spec.sync.deltaPageLimit')}
`;
  await expect(page).toMatchFileSnapshot(PAGE);
});
