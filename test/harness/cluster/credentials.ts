// Who may talk to a control plane: an administrator and the controller manager by token, service accounts by key.
import { generateKeyPair, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FILES } from './flags.ts';

export interface Credentials {
  readonly adminToken: string;
  readonly managerToken: string;
}

/** Writes the tokens and the key pair of service accounts into `folder`, for nobody else to read. */
export async function createCredentials(folder: string): Promise<Credentials> {
  const adminToken = randomBytes(24).toString('hex');
  const managerToken = randomBytes(24).toString('hex');
  const manager = 'system:kube-controller-manager';
  const tokens = `${adminToken},admin,admin,system:masters\n${managerToken},${manager},${manager}\n`;
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const secret = { mode: 0o600 };
  await writeFile(join(folder, FILES.tokens), tokens, secret);
  await writeFile(join(folder, FILES.serviceAccountKey), privateKey, secret);
  await writeFile(join(folder, FILES.serviceAccountPublicKey), publicKey, secret);
  return { adminToken, managerToken };
}

/** A kubeconfig of one cluster and one user, as text; JSON is YAML. `ca` is PEM. */
export function kubeconfigText(server: string, ca: string, user: { name: string; token: string }): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'tests',
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: user.name, user: { token: user.token } }],
    contexts: [{ name: 'tests', context: { cluster: 'tests', user: user.name } }],
    'current-context': 'tests',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
