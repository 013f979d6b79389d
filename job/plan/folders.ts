/**
 * Which mail folders are synced. Everything is judged by id: well-known names are resolved by asking Graph, because
 * display names are localised and anybody may rename a folder to "Inbox".
 */
export interface FolderNode {
  readonly folderId: string;
  readonly parentFolderId: string | null;
  readonly displayName: string | null;
  readonly wellKnownName: string | null;
}

export interface FolderSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** False while the folder list is still being paged: a parent that is not known yet may turn up. */
  readonly complete: boolean;
}

export type Disposition = 'tracked' | 'excluded' | 'undecided';

/** Names that Graph takes in place of a folder id. Source: Graph docs, resource type mailFolder. */
export const wellKnownNames = [
  'inbox',
  'sentitems',
  'drafts',
  'archive',
  'junkemail',
  'deleteditems',
  'outbox',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'recoverableitemsdeletions',
  'conversationhistory',
  'clutter',
  'scheduled',
  'searchfolders',
  'msgfolderroot',
] as const;

/** Left out, with all below them, unless an include names them. */
const excludedByDefault: ReadonlySet<string> = new Set([
  'junkemail',
  'deleteditems',
  'outbox',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'recoverableitemsdeletions',
  'conversationhistory',
  'searchfolders',
]);

const root = 'msgfolderroot';

/** The folder and its ancestors, nearest first, without the root; whether the chain is known up to the top. */
function lineage(
  node: FolderNode,
  byId: ReadonlyMap<string, FolderNode>,
): { chain: FolderNode[]; whole: boolean } {
  const chain: FolderNode[] = [];
  const met = new Set<string>();
  let current: FolderNode | undefined = node;
  while (current && current.wellKnownName !== root && !met.has(current.folderId)) {
    met.add(current.folderId);
    chain.push(current);
    if (current.parentFolderId === null) return { chain, whole: true };
    current = byId.get(current.parentFolderId);
  }
  return { chain, whole: current !== undefined };
}

/**
 * All the ways in which a setting may name the first folder of `chain`: id, well-known name, path. A path that would
 * begin with the well-known name of another folder names nothing: `inbox` means the Inbox, whatever it is called, and
 * never a folder that somebody named "Inbox".
 */
function names(chain: readonly FolderNode[], taken: ReadonlySet<string>): Set<string> {
  const [self] = chain;
  const result = new Set(self ? [self.folderId] : []);
  let below = '';
  for (const node of chain) {
    if (node.wellKnownName !== null) result.add(`${node.wellKnownName}${below}`.toLowerCase());
    below = `/${node.displayName ?? ''}${below}`;
  }
  if (!taken.has(chain.at(-1)?.displayName?.toLowerCase() ?? '')) result.add(below.slice(1).toLowerCase());
  return result;
}

const isNamed = (named: ReadonlySet<string>, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => named.has(pattern) || named.has(pattern.replace(/^\/|\/$/g, '').toLowerCase()));

function decide(
  chain: readonly FolderNode[],
  taken: ReadonlySet<string>,
  { include, exclude }: FolderSelection,
): 'tracked' | 'excluded' {
  const named = chain.map((_, depth) => names(chain.slice(depth), taken));
  if (named.some((one) => isNamed(one, exclude))) return 'excluded';
  for (const [depth, node] of chain.entries()) {
    if (isNamed(named[depth] ?? new Set(), include)) return 'tracked';
    if (node.wellKnownName !== null && excludedByDefault.has(node.wellKnownName)) return 'excluded';
  }
  return include.length === 0 ? 'tracked' : 'excluded';
}

/**
 * What becomes of each folder. An exclude covers the folder and all below it and always wins; of an include and a
 * default exclusion, the one that is nearer to the folder wins. Patterns are well-known names, ids, or paths of
 * display names such as `Projects/2026`; a path may start with a well-known name (`inbox/Projects`).
 */
export function selectFolders(
  nodes: readonly FolderNode[],
  selection: FolderSelection,
): Map<string, Disposition> {
  const byId = new Map(nodes.map((node) => [node.folderId, node]));
  const taken = new Set(nodes.flatMap(({ wellKnownName }) => wellKnownName ?? []));
  return new Map(
    nodes.map((node) => {
      const { chain, whole } = lineage(node, byId);
      if (node.wellKnownName === root) return [node.folderId, 'excluded'];
      if (!whole && !selection.complete) return [node.folderId, 'undecided'];
      return [node.folderId, decide(chain, taken, selection)];
    }),
  );
}
