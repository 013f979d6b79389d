import { environment } from '../../../api/environment.ts';
import { operatorEnvironment } from '../../../api/operatorEnvironment.ts';
import {
  choice,
  flag,
  type Group,
  group,
  manifest,
  manifests,
  setting,
  text,
  texts,
  words,
} from '../valueNodes.ts';
import { digestOrEmpty, namespaceName, objectNameOrEmpty, secretKey, tagOrEmpty } from './patterns.ts';

/** What the whole installation shares. */

export const general = {
  global: manifest('Values that a parent chart shares with its children; nothing here reads them'),
  nameOverride: text('Another name than the chart’s in names and labels', '', { maxLength: 40 }),
  fullnameOverride: text('Another beginning for the names of all objects than the release’s', '', {
    maxLength: 40,
  }),
  commonLabels: texts('Labels of all objects'),
  commonAnnotations: texts('Annotations of all objects'),
  image: group('The image of all programs', {
    repository: text('Where it is, such as registry.example/outlook-sync. Required'),
    tag: text('The chart’s appVersion when empty', '', tagOrEmpty),
    digest: text('Wins over the tag: sha256:…', '', digestOrEmpty),
    pullPolicy: choice('When it is pulled; for the jobs, too', 'IfNotPresent', [
      'Always',
      'IfNotPresent',
      'Never',
    ]),
    pullSecrets: manifests(
      'Secrets to pull it with, as [{name: …}]. For the jobs they only count where jobs.serviceAccount.create makes their service account',
    ),
  }),
  logLevel: setting(operatorEnvironment.LOG_LEVEL),
  listenAddress: choice('Address that pods listen at; :: where the cluster has no IPv4', '0.0.0.0', [
    '0.0.0.0',
    '::',
  ]),
  watchNamespaces: words(
    'Namespaces whose OutlookProviders are served; all when empty. With names, operator and webhook get a Role in each of these instead of a ClusterRole',
    [],
    namespaceName,
  ),
  checkOverlap: flag(
    'Refuse to install when another release serves one of the same namespaces. Needs the right to list ClusterRoleBindings; cannot look without a cluster (helm template)',
    true,
  ),
};

const existing = (what: string) => text(what, '', objectNameOrEmpty);

export const secrets = {
  existingSecret: existing(
    'One Secret of the release’s namespace for all that the four sections below ask for, where they name none',
  ),
  postgres: group('The database of the unified inbox', {
    existingSecret: existing('Secret with its URL. Required, here or in existingSecret'),
    urlKey: text('Key of the URL in it', 'DATABASE_URL', secretKey),
  }),
  oauth: group('The app that is registered with Microsoft', {
    existingSecret: existing(
      'Secret with its id and secret. Required while jobs.secret.create is set, here or in existingSecret',
    ),
    clientIdKey: text('Key of the application (client) id', 'OUTLOOK_CLIENT_ID', secretKey),
    clientSecretKey: text(
      'Key of the client secret; its value is empty for a public client',
      'OUTLOOK_CLIENT_SECRET',
      secretKey,
    ),
  }),
  encryption: group('Keys for tokens at rest', {
    existingSecret: existing(
      'Secret with the keys. Without one, the chart generates a key once, and keeps it when the release is uninstalled',
    ),
    keysKey: text('Key of the key ring', 'OUTLOOK_TOKEN_ENCRYPTION_KEYS', secretKey),
  }),
  push: group('What jobs and webhook share, and what subscriptions are like; read with webhook.enabled', {
    existingSecret: existing('Secret with both values. Without one, the chart generates them once'),
    tokenKey: text('Key of what requests bring as ?token=…', 'OUTLOOK_PUSH_WEBHOOK_TOKEN', secretKey),
    clientStateKey: text(
      'Key of what the clientState is signed with',
      'OUTLOOK_PUSH_CLIENT_STATE_SECRET',
      secretKey,
    ),
    subscriptionDurationMinutes: setting(environment.OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES),
    renewThresholdMinutes: setting(environment.OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES),
    maxMessages: setting(environment.OUTLOOK_PUSH_SYNC_MAX_MESSAGES),
  }),
  checkSecrets: flag(
    'Refuse to install when a Secret that is named does not exist or lacks a key. Switch it off where something makes them later; cannot look without a cluster (helm template)',
    true,
  ),
};

export const access = {
  crds: group('The CustomResourceDefinition', {
    enabled: flag('Install it and upgrade it with the release', true),
    keep: flag('Leave it when the release is uninstalled: without it, all OutlookProviders go', true),
  }),
  rbac: group('Roles and bindings', {
    create: flag('Make them. Without, nothing works before somebody has', true),
    aggregate: flag(
      'Let those who have a namespace’s view, edit or admin role see and edit its OutlookProviders',
      true,
    ),
  }),
};

/** Of one program. */
export const serviceAccount = (defaultName: string): Group =>
  group('Its service account', {
    create: flag('Make it', true),
    name: text(`Its name; ${defaultName} when empty`, '', objectNameOrEmpty),
    annotations: texts('Annotations of it'),
  });
