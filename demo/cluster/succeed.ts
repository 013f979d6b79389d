import type { ControlPlane } from '../../test/harness/cluster/controlPlane.ts';

/** What kubectl printed; throws with its own words when it fails. */
export async function succeed(
  { kubectl }: Pick<ControlPlane, 'kubectl'>,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}
