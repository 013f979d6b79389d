// All values of the chart, in the order in which people read them.
import { access, general, secrets } from './values/install.ts';
import { operator, webhook } from './values/programs.ts';
import { jobs, migration, monitoring, surroundings } from './values/runs.ts';
import { group, isGroup, type Leaf, type Node } from './valueNodes.ts';

export const valueTree = group('Values of the chart outlook-sync', {
  ...general,
  ...secrets,
  ...access,
  operator,
  webhook,
  jobs,
  migration,
  ...monitoring,
  ...surroundings,
});

export interface Entry {
  /** With dots, as `--set` has it. */
  readonly path: string;
  readonly leaf: Leaf;
}

/** Every single value below `node`. */
export function entriesOf(node: Node = valueTree, path = ''): Entry[] {
  if (!isGroup(node)) return [{ path, leaf: node }];
  return Object.entries(node.fields).flatMap(([name, field]) =>
    entriesOf(field, path === '' ? name : `${path}.${name}`),
  );
}
