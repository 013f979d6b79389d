// A lock file between processes, for work that must not be done twice at once.
//
// The holder touches the file while it works. A lock that is no longer touched has lost its holder, whatever
// became of it (killed, another container, a reused process id), and may be taken over.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
const TAKEOVER_CONFIRM_MS = 300;

/**
 * Runs `work` while holding the lock at `path`, and returns its result.
 * `onWait` is called once if another process holds it. Times in milliseconds.
 * Throws when the lock cannot be had within `timeoutMs`.
 */
export async function withLock(path, work, options = {}) {
  const { staleMs = 15_000, heartbeatMs = 2_000, timeoutMs = 900_000, onWait } = options;
  const token = randomUUID();
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path, token, { staleMs, deadline: Date.now() + timeoutMs, onWait });
  const heartbeat = setInterval(() => touch(path, token), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if (holder(path) === token) rmSync(path, { force: true });
  }
}

async function acquire(path, token, { staleMs, deadline, onWait }) {
  let announced = false;
  while (Date.now() < deadline) {
    if (create(path, token)) return;
    if (age(path) > staleMs) {
      if (await takeOver(path, token)) return;
    } else if (!announced) {
      announced = true;
      onWait?.();
    }
    await sleep(POLL_MS);
  }
  throw new Error(`Another process has held ${path} for too long. Remove the file if none is running.`);
}

function create(path, token) {
  try {
    writeFileSync(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Of several processes that replace a stale lock, the last one wins; each looks again before it believes so. */
async function takeOver(path, token) {
  const mine = `${path}.${token}`;
  writeFileSync(mine, token);
  renameSync(mine, path);
  await sleep(TAKEOVER_CONFIRM_MS);
  return holder(path) === token;
}

function age(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

function holder(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function touch(path, token) {
  if (holder(path) !== token) return;
  const now = new Date();
  utimesSync(path, now, now);
}
