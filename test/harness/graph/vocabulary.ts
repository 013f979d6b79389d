/** Words of the simulated correspondence. Data only; content.ts decides what is said when. */

export interface Language {
  people: readonly string[];
  subjects: readonly string[];
  sentences: readonly string[];
  reply: string;
  forward: string;
}

const en: Language = {
  people: ['Ada Lovelace', 'Grace Hopper', "Sinéad O'Connor", 'Smith, John (Contoso)', '"Max" Power'],
  subjects: [
    'Minutes of the platform meeting',
    'Invoice 20417 is overdue',
    'Lunch on Thursday?',
    'Your build failed: main #4182',
    'Contract draft, comments until Friday',
    'Fwd from legal: data processing agreement',
  ],
  sentences: [
    'Please find the figures attached; the second sheet has the breakdown by region.',
    'Could we move this to next week? I am travelling until Wednesday.',
    'Thanks for the quick answer.',
    'The rollout went fine, no alerts overnight.',
    'Let me know whether that works for you.',
  ],
  reply: 'Re:',
  forward: 'Fwd:',
};

const de: Language = {
  people: ['Jürgen Weiß', 'Änne Großmann', 'Dr. Käthe Müller-Lüdenscheidt', 'Förster, Uwe'],
  subjects: [
    'Protokoll der Besprechung vom Dienstag',
    'Angebot für die Größenänderung',
    'Rückfrage zur Rechnung Nr. 8812',
    'Urlaubsübergabe',
  ],
  sentences: [
    'Anbei die überarbeitete Fassung, bitte bis Freitag prüfen.',
    'Könnten wir den Termin auf 14 Uhr verschieben?',
    'Vielen Dank für die schnelle Rückmeldung!',
    'Die Übergabe erfolgt wie besprochen am Montag.',
  ],
  reply: 'AW:',
  forward: 'WG:',
};

const fr: Language = {
  people: ['Zoé Lefèvre', 'François Noël', 'Anaïs d’Ormesson'],
  subjects: [
    'Compte rendu de la réunion',
    'Devis n° 331 à signer',
    'Où en est-on du déploiement ?',
    'Congés d’été',
  ],
  sentences: [
    'Vous trouverez ci-joint la dernière version du document.',
    'Pourriez-vous confirmer votre présence ?',
    'Je reste à votre disposition pour toute question.',
  ],
  reply: 'RE :',
  forward: 'TR :',
};

const es: Language = {
  people: ['Íñigo Muñoz', 'Begoña Ibáñez', 'José Ángel Peña'],
  subjects: ['¿Reunión el miércoles?', 'Presupuesto del próximo año', 'Confirmación de la reserva'],
  sentences: [
    'Adjunto el informe de este mes.',
    '¿Te viene bien a las diez?',
    'Un saludo y buen fin de semana.',
  ],
  reply: 'RE:',
  forward: 'RV:',
};

const ja: Language = {
  people: ['山田 太郎', '佐藤 花子', '株式会社サンプル 営業部'],
  subjects: [
    '打ち合わせ日程のご相談',
    '【重要】システムメンテナンスのお知らせ',
    '請求書を送付いたします',
    'ご確認のお願い',
  ],
  sentences: ['いつもお世話になっております。', '添付の資料をご確認ください。', 'よろしくお願いいたします。'],
  reply: 'Re:',
  forward: 'Fw:',
};

const zh: Language = {
  people: ['王小明', '李娜', '张伟（采购部）'],
  subjects: ['会议纪要', '合同审批提醒', '关于下周出差的安排'],
  sentences: ['请查收附件。', '如有问题请随时联系我。', '谢谢您的支持!'],
  reply: '答复:',
  forward: '转发:',
};

const ar: Language = {
  people: ['محمد الأحمد', 'فاطمة الزهراء'],
  subjects: ['محضر الاجتماع', 'تأكيد الحجز رقم ٤٢', 'طلب عرض أسعار'],
  sentences: ['يرجى الاطلاع على الملف المرفق.', 'شكرًا لكم على سرعة الرد.'],
  reply: 'رد:',
  forward: 'إعادة توجيه:',
};

const he: Language = {
  people: ['דוד כהן', 'רחל לוי'],
  subjects: ['סיכום פגישה', 'חשבונית מס׳ 77'],
  sentences: ['מצורף המסמך המעודכן.', 'אשמח לתשובה עד סוף השבוע.'],
  reply: 'השב:',
  forward: 'העבר:',
};

const hi: Language = {
  people: ['अमित शर्मा', 'प्रिया सिंह'],
  subjects: ['बैठक का कार्यवृत्त', 'चालान संख्या ५५'],
  sentences: ['कृपया संलग्न दस्तावेज़ देखें।', 'आपके त्वरित उत्तर के लिए धन्यवाद।'],
  reply: 'Re:',
  forward: 'Fwd:',
};

const ru: Language = {
  people: ['Алексей Иванов', 'Ольга Щербакова'],
  subjects: ['Протокол совещания', 'Счёт № 118', 'Перенос встречи'],
  sentences: ['Во вложении обновлённая версия.', 'Спасибо за быстрый ответ.'],
  reply: 'Re:',
  forward: 'Fwd:',
};

export const LANGUAGES = { en, de, fr, es, ja, zh, ar, he, hi, ru } as const;

export const NEWSLETTERS = [
  {
    name: 'The Weekly Kernel 🐧',
    address: 'news@weekly-kernel.example',
    subject: '🎉 Issue {n}: what changed this week',
  },
  {
    name: 'Shop & Save',
    address: 'no-reply@shop-save.example',
    subject: '⏰ Last chance: 20 % off, today only!',
  },
  { name: 'CI', address: 'builds@ci.example', subject: '[main] Run #{n} passed ✅' },
  { name: 'نشرة التقنية', address: 'tech@nashra.example', subject: '📰 العدد {n}' },
  { name: '', address: 'bounce+{n}=user@lists.example', subject: 'Digest, Vol {n}, Issue 3' },
] as const;

/** The names a mailbox's master list holds, with Outlook's preset colours. */
export const MASTER_CATEGORIES = [
  { displayName: 'Red category', color: 'preset0' },
  { displayName: 'Projekt Größe', color: 'preset1' },
  { displayName: 'Travel, hotels', color: 'preset3' },
  { displayName: '重要', color: 'preset7' },
  { displayName: '🔥 Urgent', color: 'preset9' },
  { displayName: 'Uncoloured', color: 'none' },
] as const;

/** Names that messages bear but the master list lacks: senders and other programs bring their own. */
export const STRAY_CATEGORIES = ['from-gateway', 'Été/Hiver', 'INBOX'] as const;
