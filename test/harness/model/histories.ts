/**
 * Random histories of a mailbox, as fast-check arbitraries: what it is born with, how its Graph behaves, what happens
 * to it, and when it is looked at. Everything is plain data that shrinks well.
 */
import fc from 'fast-check';
import type { Oddities } from '../graph/rounds.ts';
import { type Act, type Expiry, type Flavour, flavours, type FolderPick } from './acts.ts';

/** The mailbox before anything happens, and the Graph and the settings it is synced with. */
export interface Setup {
  readonly seed: number;
  readonly messages: number;
  readonly folders: 'plain' | 'rich';
  /** Whether Graph has `/me/messages/delta`. */
  readonly mailboxDelta: boolean;
  /** Whether Graph has `/me/mailFolders/delta`. */
  readonly folderListDelta: boolean;
  readonly relativeLinks: boolean;
  readonly oddities: Oddities;
  readonly pageSize: number;
  readonly maxMessages: number;
}

/** Acts that happen while a run is under way: each before the request of that number, counted from 1. */
export interface Interruption {
  readonly request: number;
  readonly act: Act;
}

export type Step =
  | Act
  /** One run, which may stop at its page limit, and during which the mailbox may change. */
  | { readonly kind: 'run'; readonly pageLimit: number; readonly during: readonly Interruption[] }
  /** Runs until the cursors are steady, then the comparison. */
  | { readonly kind: 'drain and compare' };

export interface History {
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

const number = fc.nat({ max: 999 });
/** Mostly among few folders: what is told of a message by two cursors is where a sync can go wrong. */
const folder: fc.Arbitrary<FolderPick> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('inbox' as const, 'archive' as const, 'deleteditems' as const) },
  { weight: 1, arbitrary: number },
);
const folderName = fc.constantFrom('Projekte', 'Inbox', 'a/b', '📮', 'Archive', '');
const form = fc.constantFrom('410' as const, '410-location' as const, '400' as const);
const expiry: fc.Arbitrary<Expiry> = fc.oneof(
  fc.constantFrom('all' as const, 'list' as const, 'mailbox' as const),
  number,
);
const categories = fc.constantFrom<string[][]>([], ['Red category'], ['Blue category', 'Stray'], ['INBOX']);
const flavour = fc.constantFrom(...(Object.keys(flavours) as Flavour[]));
const kind = <const Kind extends string>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

/** Anything that may happen to a mailbox. */
export const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: kind('arrive'), folder, flavour }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('read'), message: number, isRead: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('categorize'), message: number, categories }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('edit'),
      message: number,
      subject: fc.constantFrom(null, '', 'new \0 subject', 'Re: 日本'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: kind('move'), message: number, folder }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('bounce'), message: number, folder }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('delete'), message: number, hard: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('restore'), message: number, folder }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('add folder'), parent: folder, name: folderName }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('rename folder'), folder: number, name: folderName }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('move folder'), folder: number, parent: folder }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('delete folder'), folder: number, hard: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('restore folder'), folder: number }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('expire'), what: expiry, form }) },
);

const rarely = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(0.2, 0.5) },
);

export const anySetup: fc.Arbitrary<Setup> = fc.record({
  seed: number,
  messages: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 3 }), fc.nat({ max: 60 })),
  folders: fc.oneof(
    { weight: 3, arbitrary: fc.constant('plain' as const) },
    { weight: 1, arbitrary: fc.constant('rich' as const) },
  ),
  mailboxDelta: fc.boolean(),
  folderListDelta: fc.oneof(
    { weight: 4, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  relativeLinks: fc.boolean(),
  oddities: fc.record({
    sparseUpdates: fc.constantFrom(0, 0.5, 1),
    duplicateEntries: rarely,
    duplicatePages: rarely,
    emptyPages: rarely,
    stringBooleans: rarely,
  }),
  pageSize: fc.integer({ min: 3, max: 7 }),
  maxMessages: fc.integer({ min: 1, max: 30 }),
});

export const interruptions: fc.Arbitrary<Interruption[]> = fc.array(
  fc.record({ request: fc.oneof(...[8, 20, 40].map((max) => fc.integer({ min: 1, max }))), act: anyAct }),
  { maxLength: 4 },
);

const run: fc.Arbitrary<Step> = fc.record({
  kind: kind('run'),
  pageLimit: fc.constantFrom(20, 1, 2, 3),
  during: interruptions,
});

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: anyAct },
  { weight: 2, arbitrary: run },
  { weight: 2, arbitrary: fc.record({ kind: kind('drain and compare') }) },
);

/** What happens to one message, the message left open. */
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: kind('move'), folder }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('delete'), hard: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('bounce'), folder }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('read'), isRead: fc.boolean() }) },
);

/** One message before, during and after a run: what two cursors tell of it, at whichever request it changes. */
const episode: fc.Arbitrary<Step[]> = fc
  .record({
    message: number,
    before: deed,
    meanwhile: deed,
    after: deed,
    request: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ message, before, meanwhile, after, request }) => [
    { kind: 'drain and compare' },
    { ...before, message },
    { kind: 'run', pageLimit: 20, during: [{ request, act: { ...meanwhile, message } }] },
    { ...after, message },
  ]);

const steps = fc.array(
  fc.oneof({ weight: 20, arbitrary: anyStep.map((step) => [step]) }, { weight: 1, arbitrary: episode }),
  { maxLength: 25, size: 'max' },
);

export const anyHistory: fc.Arbitrary<History> = fc.record({
  setup: anySetup,
  steps: steps.map((parts) => parts.flat()),
});
