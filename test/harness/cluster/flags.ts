// What the three programs are told. All of them run in the control plane's folder, to which file names are relative.

export interface ControlPlaneSettings {
  readonly port: number;
  /** Logs all requests that write; see audit.ts. */
  readonly auditLog: boolean;
  readonly watchCache: boolean;
  /** Names of controllers as kube-controller-manager knows them. */
  readonly controllers: readonly string[];
}

export const FILES = {
  // A socket in a folder that is private needs neither a port nor certificates. etcd wants a port in the name.
  etcdSocket: 'etcd.sock:0',
  tokens: 'tokens.csv',
  serviceAccountKey: 'service-account.key',
  serviceAccountPublicKey: 'service-account.pub',
  certificates: 'certificates',
  /** The certificate that the API server makes for itself, followed by that of the CA it made for that. */
  servingCertificate: 'certificates/apiserver.crt',
  ca: 'ca.crt',
  kubeconfig: 'kubeconfig',
  managerKubeconfig: 'controller-manager.kubeconfig',
  auditPolicy: 'audit-policy.json',
  auditLog: 'audit.log',
} as const;

/** What operators and their Pods need; deployments, so that an operator may run as one. */
export const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'deployment-controller',
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'pod-garbage-collector-controller',
  'replicaset-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'ttl-after-finished-controller',
] as const;

export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    { level: 'None' },
  ],
};

export function etcdFlags(): string[] {
  const client = `unix://${FILES.etcdSocket}`;
  // A cluster of one: nobody calls its peer address.
  const peer = 'http://127.0.0.1:1';
  return [
    '--name=tests',
    '--data-dir=etcd',
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    '--listen-peer-urls=unix://etcd-peer.sock:0',
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=tests=${peer}`,
  ];
}

export function apiServerFlags({ port, auditLog, watchCache }: ControlPlaneSettings): string[] {
  const audit = [`--audit-policy-file=${FILES.auditPolicy}`, `--audit-log-path=${FILES.auditLog}`];
  return [
    `--etcd-servers=unix://${FILES.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    // A loopback address may not be an endpoint of the Service `kubernetes`.
    '--endpoint-reconciler-type=none',
    `--cert-dir=${FILES.certificates}`,
    `--token-auth-file=${FILES.tokens}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${FILES.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${FILES.serviceAccountKey}`,
    '--service-cluster-ip-range=10.96.0.0/24',
    `--watch-cache=${watchCache}`,
    '--profiling=false',
    ...(auditLog ? audit : []),
  ];
}

export function controllerManagerFlags({ controllers }: ControlPlaneSettings): string[] {
  return [
    `--kubeconfig=${FILES.managerKubeconfig}`,
    // It serves nothing.
    '--secure-port=0',
    '--leader-elect=false',
    `--controllers=${controllers.join(',')}`,
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${FILES.serviceAccountKey}`,
    `--root-ca-file=${FILES.ca}`,
    // The limits of one client are for clusters that others share.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--profiling=false',
  ];
}
