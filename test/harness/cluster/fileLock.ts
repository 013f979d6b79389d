// The scripts' lock between processes, which is plain JavaScript, with its types.

type WithLock = <T>(
  path: string,
  work: () => Promise<T>,
  options: { readonly timeoutMs: number; readonly onWait: () => void },
) => Promise<T>;

/** See scripts/lock.mjs: runs `work` while no other process holds the lock at `path`. */
export const withFileLock: WithLock = async (path, work, options) => {
  const file = new URL('../../../scripts/lock.mjs', import.meta.url).href;
  const { withLock } = (await import(file)) as { withLock: WithLock };
  return withLock(path, work, options);
};
