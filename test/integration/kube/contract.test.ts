import { namespaces } from '../../../kube/resource.ts';
import { kubernetesContract } from './contract.ts';
import { openStage } from './stage.ts';

kubernetesContract('the scripted API server', async () => {
  const { client } = await openStage();
  const namespace = 'team-a';
  await client.create(namespaces, undefined, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  return { client, namespace };
});
