/**
 * The schema, as steps that are applied once each, in order, and never changed after a release.
 *
 * The three tables of the unified inbox may exist already, with other programs' rows in them: they are created only
 * where they are missing, and only the columns that the Outlook sync adds to `email_providers` are added. All else
 * that the sync needs to remember stands in tables of its own, named `outlook_…`.
 * `timestamp` columns hold UTC without a zone, so every default says so, whatever the session's time zone is.
 */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

const utcNow = `timezone('UTC', now())`;

const unifiedInbox: Migration = {
  version: 1,
  name: 'unified inbox',
  statements: [
    `CREATE TABLE IF NOT EXISTS email_providers (
      "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      "type" varchar NOT NULL,
      "email" varchar NOT NULL,
      "displayName" varchar,
      "isActive" boolean NOT NULL DEFAULT false,
      "lastSyncedAt" timestamp,
      "status" varchar NOT NULL DEFAULT 'connected',
      "host" varchar,
      "port" integer,
      "password" varchar,
      "accessToken" text,
      "refreshToken" text,
      "tokenExpiry" timestamp,
      "gmailHistoryId" varchar,
      "userId" varchar NOT NULL,
      "workspaceId" varchar,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow}
    )`,
    `CREATE TABLE IF NOT EXISTS external_email_messages (
      "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      "userId" varchar NOT NULL,
      "providerId" varchar NOT NULL,
      "externalMessageId" varchar NOT NULL,
      "threadId" varchar,
      "from" varchar,
      "to" text[] NOT NULL DEFAULT '{}',
      "subject" varchar,
      "snippet" text,
      "internalDate" timestamp,
      "labels" text[] NOT NULL DEFAULT '{}',
      "rawPayload" jsonb,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow},
      UNIQUE ("providerId", "externalMessageId")
    )`,
    `CREATE TABLE IF NOT EXISTS external_email_labels (
      "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      "userId" varchar NOT NULL,
      "providerId" varchar NOT NULL,
      "externalLabelId" varchar NOT NULL,
      "name" varchar NOT NULL,
      "type" varchar NOT NULL,
      "color" varchar DEFAULT '#4F46E5',
      "isSystem" boolean NOT NULL DEFAULT false,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow},
      UNIQUE ("providerId", "externalLabelId")
    )`,
  ],
};

/** `ADD COLUMN IF NOT EXISTS` takes an exclusive lock even when there is nothing to add; hence the look first. */
const addProviderColumn = (name: string, type: string): string => `DO $$ BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM pg_attribute
    WHERE attrelid = 'email_providers'::regclass AND attname = '${name}' AND NOT attisdropped
  ) THEN
    ALTER TABLE email_providers ADD COLUMN "${name}" ${type};
  END IF;
END $$`;

const outlookColumns: Migration = {
  version: 2,
  name: 'outlook columns of email_providers',
  statements: [
    addProviderColumn('outlookSyncCursor', 'text'),
    addProviderColumn('syncLeaseExpiresAt', 'timestamp'),
    addProviderColumn('lastSyncError', 'text'),
    addProviderColumn('lastSyncErrorAt', 'timestamp'),
    addProviderColumn('outlookPushSubscriptionId', 'varchar'),
    addProviderColumn('outlookPushSubscriptionExpiresAt', 'timestamp'),
    addProviderColumn('outlookPushSubscriptionLastRenewedAt', 'timestamp'),
  ],
};

const syncState: Migration = {
  version: 3,
  name: 'state of the outlook sync',
  statements: [
    `CREATE TABLE outlook_sync_state (
      "providerId" uuid PRIMARY KEY REFERENCES email_providers ("id") ON DELETE CASCADE,
      "mailboxPath" text,
      "deltaScope" text CHECK ("deltaScope" IN ('Folders', 'Mailbox')),
      "listLink" text,
      "listSteady" boolean NOT NULL DEFAULT false,
      "listPages" text[] NOT NULL DEFAULT '{}',
      "listRound" integer NOT NULL DEFAULT 0,
      "listWithoutDelta" boolean NOT NULL DEFAULT false,
      "historySetting" text,
      "historyFrom" timestamp,
      "leaseEpoch" bigint NOT NULL DEFAULT 0,
      "leaseHolder" text,
      "leaseExpiresAt" timestamp,
      "passRequestedAt" timestamp,
      "refreshTokenSeedHash" text,
      "failureCode" text,
      "categoriesReadAt" timestamp,
      "adopted" boolean NOT NULL DEFAULT false,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow}
    )`,
    `COMMENT ON TABLE outlook_sync_state IS 'One row per OUTLOOK provider: lease and its epoch (the fence), delta scope, folder list'`,
    `CREATE TABLE outlook_folder_cursors (
      "id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      "providerId" uuid NOT NULL REFERENCES email_providers ("id") ON DELETE CASCADE,
      "folderId" text COLLATE "C" NOT NULL,
      "parentFolderId" text,
      "displayName" text,
      "wellKnownName" text,
      "listed" boolean NOT NULL DEFAULT false,
      "listRound" integer NOT NULL DEFAULT 0,
      "tracked" boolean NOT NULL DEFAULT false,
      "cursor" text,
      "steady" boolean NOT NULL DEFAULT false,
      "completedAt" timestamp,
      "pages" text[] NOT NULL DEFAULT '{}',
      "filteredFrom" timestamp,
      "walked" integer NOT NULL DEFAULT 0,
      "unfiltered" boolean NOT NULL DEFAULT false,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow},
      UNIQUE ("providerId", "folderId")
    )`,
    `COMMENT ON TABLE outlook_folder_cursors IS 'A mail folder and where its message delta stands; the folder with the empty id is the whole mailbox'`,
    `CREATE TABLE outlook_message_folders (
      "messageId" uuid PRIMARY KEY,
      "folderCursorId" bigint NOT NULL
    )`,
    `CREATE INDEX outlook_message_folders_folder ON outlook_message_folders ("folderCursorId")`,
    `COMMENT ON TABLE outlook_message_folders IS 'In which folder a row of external_email_messages was last seen'`,
    `CREATE TABLE outlook_walk_unseen (
      "folderCursorId" bigint NOT NULL REFERENCES outlook_folder_cursors ("id") ON DELETE CASCADE,
      "messageId" uuid NOT NULL,
      PRIMARY KEY ("folderCursorId", "messageId")
    )`,
    `COMMENT ON TABLE outlook_walk_unseen IS 'Rows that a full walk of their folder has not met yet; what is left at its end is verified, then swept'`,
    `CREATE TABLE outlook_deferred_checks (
      "providerId" uuid NOT NULL REFERENCES email_providers ("id") ON DELETE CASCADE,
      "externalMessageId" text COLLATE "C" NOT NULL,
      "unconfirmed" boolean NOT NULL DEFAULT false,
      "leaseEpoch" bigint NOT NULL,
      "attempts" integer NOT NULL DEFAULT 0,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      PRIMARY KEY ("providerId", "externalMessageId")
    )`,
    `COMMENT ON TABLE outlook_deferred_checks IS 'Messages to ask Graph about again: it could not tell, or no cursor has shown them yet'`,
    `CREATE TABLE outlook_quarantine (
      "providerId" uuid NOT NULL REFERENCES email_providers ("id") ON DELETE CASCADE,
      "externalMessageId" text COLLATE "C" NOT NULL,
      "folderId" text,
      "reason" text NOT NULL,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "updatedAt" timestamp NOT NULL DEFAULT ${utcNow},
      PRIMARY KEY ("providerId", "externalMessageId")
    )`,
    `COMMENT ON TABLE outlook_quarantine IS 'Messages that cannot be stored, and why; never their content'`,
    `CREATE TABLE outlook_event_outbox (
      "id" uuid PRIMARY KEY,
      "providerId" uuid NOT NULL REFERENCES email_providers ("id") ON DELETE CASCADE,
      "type" text NOT NULL,
      "data" jsonb NOT NULL,
      "createdAt" timestamp NOT NULL DEFAULT ${utcNow},
      "deliveredAt" timestamp,
      "attempts" integer NOT NULL DEFAULT 0
    )`,
    `CREATE INDEX outlook_event_outbox_pending ON outlook_event_outbox ("providerId", "createdAt") WHERE "deliveredAt" IS NULL`,
    `COMMENT ON TABLE outlook_event_outbox IS 'Domain events, written with the status they announce; NOTIFY outlook_sync_events tells of each'`,
  ],
};

const kubernetesLease: Migration = {
  version: 4,
  name: 'kubernetes lease',
  statements: [
    `ALTER TABLE outlook_sync_state
      ADD COLUMN IF NOT EXISTS "kubernetesLeaseUid" text,
      ADD COLUMN IF NOT EXISTS "kubernetesEpoch" bigint,
      ADD COLUMN IF NOT EXISTS "leaseEpochUnderKubernetes" bigint,
      ADD COLUMN IF NOT EXISTS "createdHere" boolean NOT NULL DEFAULT false`,
    `COMMENT ON COLUMN outlook_sync_state."kubernetesEpoch" IS 'The youngest holder of the Kubernetes Lease of that uid'`,
    `COMMENT ON COLUMN outlook_sync_state."leaseEpochUnderKubernetes" IS 'The last leaseEpoch that was taken by a holder of the Kubernetes Lease'`,
    `COMMENT ON COLUMN outlook_sync_state."createdHere" IS 'Whether the row of email_providers is ours to delete'`,
  ],
};

const pushTerms: Migration = {
  version: 5,
  name: 'push terms',
  statements: [
    `ALTER TABLE outlook_sync_state ADD COLUMN IF NOT EXISTS "pushTerms" text`,
    `COMMENT ON COLUMN outlook_sync_state."pushTerms" IS 'Hash of what the push subscription was made for; with other terms it is made anew'`,
  ],
};

export const migrations: readonly Migration[] = [
  unifiedInbox,
  outlookColumns,
  syncState,
  kubernetesLease,
  pushTerms,
];

/** The version that this program needs. */
export const schemaVersion = Math.max(...migrations.map(({ version }) => version));
