/** Well-known folders: input aliases of Graph, never part of an answer, and the display names users see. */

export const LOCALES = ['en', 'de', 'fr', 'es', 'ja', 'ar'] as const;
export type Locale = (typeof LOCALES)[number];

export interface WellKnownFolder {
  name: string;
  /** The well-known name of the folder above; the message folder root when absent. */
  below?: string;
  displayNames: Record<Locale, string>;
}

function folder(
  name: string,
  names: readonly [string, string, string, string, string, string],
  below?: string,
) {
  const [en, de, fr, es, ja, ar] = names;
  const entry: WellKnownFolder = { name, displayNames: { en, de, fr, es, ja, ar } };
  return below === undefined ? entry : { ...entry, below };
}

/** The folders a mailbox is born with, parents first. */
export const WELL_KNOWN_FOLDERS: readonly WellKnownFolder[] = [
  folder('inbox', [
    'Inbox',
    'Posteingang',
    'Boîte de réception',
    'Bandeja de entrada',
    '受信トレイ',
    'علبة الوارد',
  ]),
  folder('drafts', ['Drafts', 'Entwürfe', 'Brouillons', 'Borradores', '下書き', 'المسودات']),
  folder('sentitems', [
    'Sent Items',
    'Gesendete Elemente',
    'Éléments envoyés',
    'Elementos enviados',
    '送信済みアイテム',
    'العناصر المرسلة',
  ]),
  folder('deleteditems', [
    'Deleted Items',
    'Gelöschte Elemente',
    'Éléments supprimés',
    'Elementos eliminados',
    '削除済みアイテム',
    'العناصر المحذوفة',
  ]),
  folder('junkemail', [
    'Junk Email',
    'Junk-E-Mail',
    'Courrier indésirable',
    'Correo no deseado',
    '迷惑メール',
    'البريد غير الهام',
  ]),
  folder('outbox', [
    'Outbox',
    'Postausgang',
    'Boîte d’envoi',
    'Bandeja de salida',
    '送信トレイ',
    'علبة الصادر',
  ]),
  folder('archive', ['Archive', 'Archiv', 'Archive', 'Archivo', 'アーカイブ', 'الأرشيف']),
  folder('conversationhistory', [
    'Conversation History',
    'Aufgezeichnete Unterhaltungen',
    'Historique des conversations',
    'Historial de conversaciones',
    '会話の履歴',
    'محفوظات المحادثة',
  ]),
  folder('syncissues', [
    'Sync Issues',
    'Synchronisierungsprobleme',
    'Problèmes de synchronisation',
    'Problemas de sincronización',
    '同期の失敗',
    'مشكلات المزامنة',
  ]),
  folder(
    'conflicts',
    ['Conflicts', 'Konflikte', 'Conflits', 'Conflictos', '競合', 'التعارضات'],
    'syncissues',
  ),
  folder(
    'localfailures',
    [
      'Local Failures',
      'Lokale Fehler',
      'Défaillances locales',
      'Errores locales',
      'ローカルの失敗',
      'حالات الفشل المحلية',
    ],
    'syncissues',
  ),
  folder(
    'serverfailures',
    [
      'Server Failures',
      'Serverfehler',
      'Défaillances du serveur',
      'Errores del servidor',
      'サーバーの失敗',
      'حالات فشل الخادم',
    ],
    'syncissues',
  ),
];

/** Every alias Graph knows. Naming one that the mailbox lacks is `ErrorItemNotFound`, not a malformed id. */
export const WELL_KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...WELL_KNOWN_FOLDERS.map((entry) => entry.name),
  'msgfolderroot',
  'clutter',
  'recoverableitemsdeletions',
  'scheduled',
  'searchfolders',
]);

/** The folders a user of the "rich" kind has made; each path continues below the folder named first. */
export const RICH_FOLDERS: readonly (readonly string[])[] = [
  ['inbox', 'Projects'],
  ['inbox', 'Projects', 'Aurora'],
  ['inbox', 'Projects', 'Aurora', 'Contracts'],
  ['inbox', 'Projects', 'Größenänderung'],
  ['inbox', 'Invoices/2026'],
  ['inbox', 'Receipts'],
  ['archive', 'Receipts'],
  ['archive', '2024'],
  ['msgfolderroot', 'Reise & Spesen'],
  ['msgfolderroot', 'プロジェクト'],
  ['msgfolderroot', 'אישי'],
  ['msgfolderroot', '📮 Newsletters'],
  ['msgfolderroot', '📮 Newsletters', 'Weekly'],
];
