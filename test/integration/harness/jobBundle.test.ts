import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { freshDatabase } from '../../harness/database.ts';
import { jobBundle } from '../../harness/jobBundle.ts';

it('the bundled job runs by itself, with nothing installed beside it', async () => {
  const database = await freshDatabase();
  // Away from this checkout's node_modules.
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
  try {
    const dist = dirname(jobBundle());
    for (const file of ['job.js', 'job.main.js']) await copyFile(join(dist, file), join(folder, file));
    const job = spawn(process.execPath, ['job.js', 'migrate'], {
      cwd: folder,
      env: { DATABASE_URL: database.url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(job, 'exit');
    expect(job.exitCode).toBe(0);
    const tables = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    expect(tables.map((row) => row['tablename'] as unknown)).toContain('external_email_messages');
  } finally {
    await rm(folder, { recursive: true });
    await database.drop();
  }
});
