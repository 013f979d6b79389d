// Holds a process and its descendants to a limit of resident memory, as a kernel's control group would.
//
// It looks every fifth of a second, so a short peak may pass. Where there is no /proc, nothing is enforced.
import { readFile } from 'node:fs/promises';

const INTERVAL_MS = 200;

/** Calls back once when the limit is exceeded. Returns what ends the watch. */
export function watchMemory(pid: number, limitBytes: number, onExceeded: () => void): () => void {
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    if ((await residentBytes(pid)) > limitBytes) {
      clearInterval(timer);
      onExceeded();
    }
    isLooking = false;
  };
  const timer = setInterval(() => void look(), INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readIfPresent(`/proc/${pid}/status`);
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  const children = (await readIfPresent(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean);
  const sizes = await Promise.all(children.map((child) => residentBytes(Number(child))));
  return sizes.reduce((sum, size) => sum + size, own);
}

async function readIfPresent(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
