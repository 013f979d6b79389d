/**
 * Labels of a message as the unified inbox has them: what Gmail calls system labels stands for the well-known folder
 * that holds the message and for its read state; the user's own are Outlook's categories, by name.
 */
const labelOfFolder: Readonly<Record<string, string>> = {
  inbox: 'INBOX',
  sentitems: 'SENT',
  drafts: 'DRAFT',
  archive: 'ARCHIVE',
  junkemail: 'SPAM',
  deleteditems: 'TRASH',
};

export const unread = 'UNREAD';

const systemLabels: ReadonlySet<string> = new Set([...Object.values(labelOfFolder), unread]);

export const isSystemLabel = (label: string): boolean => systemLabels.has(label);

/** The system label of what is directly in a folder; null for folders that give none. */
export function folderLabel(wellKnownName: string | null): string | null {
  return wellKnownName === null ? null : (labelOfFolder[wellKnownName] ?? null);
}

/**
 * System labels first, then categories in Outlook's order, each once. A category that bears a system label's name
 * gives no label: it must not make a message look as if it were in the Inbox.
 */
export function labelsOf(folder: string | null, isUnread: boolean, categories: readonly string[]): string[] {
  const own = categories.filter((category) => !isSystemLabel(category));
  return [...new Set([...(folder === null ? [] : [folder]), ...(isUnread ? [unread] : []), ...own])];
}

/** The categories among stored labels. */
export const categoriesOf = (labels: readonly string[]): string[] =>
  labels.filter((label) => !isSystemLabel(label));

/** Longest category that becomes a label; Outlook allows 255. */
export const longestCategory = 255;

/**
 * Outlook's category colours, `preset0` to `preset24`, as the hex colours that Outlook shows.
 * Source: Graph docs, resource type outlookCategory (names of the presets).
 */
const presets = [
  '#E7A1A2', '#F9BA89', '#F7DD8F', '#FCFA90', '#78D168', '#9FDCC9', '#C6D2B0', '#9DB7E8', '#B5A1E2', '#DAAEC2',
  '#DAD9DC', '#6B7994', '#BFBFBF', '#6F6F6F', '#4F4F4F', '#C11A25', '#E2620D', '#C79930', '#B9B300', '#368F2B',
  '#329B7A', '#778B45', '#2858A5', '#5C3FA3', '#93446B',
] as const; // prettier-ignore

/** Null where the category has no colour of its own; the inbox's default then stands. */
export function categoryColor(preset: string): string | null {
  const [, index] = /^preset(\d{1,2})$/i.exec(preset) ?? [];
  return index === undefined ? null : (presets[Number(index)] ?? null);
}
