// What a person needs to go on playing with the cluster of the demo, as text to be copied.
import { psqlCommand } from '../playground.ts';
import { type ClusterWorld, type Person, TEAM } from './world.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function lookAroundLines(world: ClusterWorld): string[] {
  const { plane, simulator, people } = world;
  const control = new URL('/_simulator/', simulator.graphBaseUrl).href;
  const post = ({ mailbox: { email } }: Person, act: string, body: object): string =>
    `  curl -X POST ${control}${act} -d ${quoted(JSON.stringify({ mailbox: email, ...body }))}`;
  return [
    'All of it stays up. In another terminal:',
    '',
    `  export KUBECONFIG=${quoted(plane.kubeconfig)}`,
    `  alias kubectl=${quoted(plane.kubectlFile)}`,
    '',
    `  kubectl get outlookproviders -n ${TEAM} -o wide`,
    `  kubectl describe outlookprovider ada -n ${TEAM}`,
    `  kubectl explain outlookprovider.spec.sync`,
    `  kubectl get cronjobs,jobs,leases -n ${TEAM}`,
    `  kubectl wait --for=condition=Ready outlookprovider/ada -n ${TEAM}`,
    '',
    'Ask for a sync now, suspend one, delete one with its rows:',
    '',
    `  kubectl annotate outlookprovider ada -n ${TEAM} outlooksync.dev/sync-requested-at="$(date)" --overwrite`,
    `  kubectl patch outlookprovider ben -n ${TEAM} --type=merge -p ${quoted('{"spec":{"suspend":true}}')}`,
    `  kubectl patch outlookprovider chen -n ${TEAM} --type=merge -p ${quoted('{"spec":{"deletionPolicy":"Delete"}}')}`,
    `  kubectl delete outlookprovider chen -n ${TEAM}`,
    '',
    "Change Ada's mailbox; the next run picks it up:",
    '',
    post(people.ada, 'create-message', { subject: 'Hello' }),
    post(people.ada, 'move', { folder: 'archive' }),
    '',
    "Change Ben's, of whom Graph tells the webhook; the row is there before you can look:",
    '',
    post(people.ben, 'create-message', { subject: 'Hello again' }),
    `  kubectl get jobs -n ${TEAM} -l outlooksync.dev/trigger=push`,
    '',
    'Look into the tables:',
    '',
    `  ${psqlCommand(world)}`,
    '',
  ];
}
