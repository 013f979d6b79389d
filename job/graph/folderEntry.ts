import * as z from 'zod';

/** One entry of a folder list or of a folder delta. */
export interface FolderEntry {
  readonly folderId: string;
  readonly removed: boolean;
  /** Absent where a sparse update does not name it. */
  readonly parentFolderId?: string | null;
  readonly displayName?: string | null;
  /** Undefined where the entry does not tell. */
  readonly childFolderCount: number | undefined;
}

const entry = z.looseObject({
  id: z.string().min(1).max(1024),
  parentFolderId: z.string().nullish().catch(undefined),
  displayName: z.string().nullish().catch(undefined),
  childFolderCount: z.number().optional().catch(undefined),
  '@odata.type': z.string().optional().catch(undefined),
});

/** Null for what is no folder that holds mail: search folders show what lies elsewhere. */
export function readFolder(value: unknown): FolderEntry | null {
  const parsed = entry.safeParse(value);
  if (!parsed.success || /mailSearchFolder$/i.test(parsed.data['@odata.type'] ?? '')) return null;
  const { id, parentFolderId, displayName, childFolderCount } = parsed.data;
  return {
    folderId: id,
    removed: '@removed' in parsed.data,
    ...(parentFolderId !== undefined && { parentFolderId }),
    ...(displayName !== undefined && { displayName }),
    childFolderCount,
  };
}
