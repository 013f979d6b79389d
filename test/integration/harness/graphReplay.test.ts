// The simulator's own proof: whatever happens to a mailbox, and whenever, its delta rounds tell enough to rebuild it.
import { describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, type Item } from '../../harness/graph/probe.ts';
import { createRandom, type Random } from '../../harness/graph/random.ts';
import { Replay } from '../../harness/graph/replay.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';

const SEEDS = Array.from({ length: 15 }, (_, index) => index + 1);
const ODDITIES = { sparseUpdates: 0.7, duplicateEntries: 0.3, duplicatePages: 0.2, emptyPages: 0.2 };

function randomFolder(mailbox: SimulatedMailbox, random: Random): string {
  return random.pick(mailbox.folders()).id;
}

type Act = (mailbox: SimulatedMailbox, random: Random, id: string) => void;

const bounce: Act = (mailbox, random, id) => {
  const home = mailbox.message(id)?.parentFolderId ?? '';
  mailbox.moveMessage(id, randomFolder(mailbox, random));
  mailbox.moveMessage(id, home);
};

const ACTS: readonly Act[] = [
  (mailbox, random) => void mailbox.createMessage({ folder: randomFolder(mailbox, random) }),
  (mailbox, random, id) => void mailbox.setRead(id, random.chance(0.5)),
  (mailbox, random, id) => void mailbox.setRead(id, random.chance(0.5)),
  (mailbox, random, id) => void mailbox.setCategories(id, [`Tag ${random.below(5)}`]),
  (mailbox, _random, id) => void mailbox.updateMessage(id, { subject: null }),
  (mailbox, random, id) => void mailbox.moveMessage(id, randomFolder(mailbox, random)),
  bounce,
  (mailbox, random, id) => mailbox.deleteMessage(id, { hard: random.chance(0.5) }),
  (mailbox, random) =>
    void mailbox.createFolder({ displayName: 'New', parentId: randomFolder(mailbox, random) }),
  (mailbox, random) => {
    const own = mailbox.folders().filter((folder) => folder.wellKnownName === undefined);
    if (own.length > 0 && random.chance(0.3))
      mailbox.deleteFolder(random.pick(own).id, { hard: random.chance(0.5) });
  },
];

function act(mailbox: SimulatedMailbox, random: Random): void {
  const ids = mailbox.messages().map((message) => message.id);
  if (ids.length > 0) random.pick(ACTS)(mailbox, random, random.pick(ids));
}

function essence(item: Readonly<Record<string, unknown>>): string {
  const { internetMessageId, parentFolderId, isRead, categories, subject } = item;
  return JSON.stringify([internetMessageId, parentFolderId, isRead, categories, subject]);
}

function essences(items: Iterable<Readonly<Record<string, unknown>>>): string[] {
  return [...items].map(essence).sort();
}

async function liveThrough(simulator: GraphSimulator, seed: number, immutable: boolean) {
  const random = createRandom(seed * 7919);
  const email = `seed${seed}@contoso.example`;
  const mailbox = simulator.addMailbox({ email, messages: 40, folders: 'rich', seed });
  let eventful = true;
  const between = (): void => {
    if (eventful && random.chance(0.4)) act(mailbox, random);
  };
  const replay = new Replay({ probe: createProbe(simulator, email), immutable, between });
  for (let round = 0; round < 4; round++) {
    await replay.poll();
    for (let i = random.below(12); i > 0; i--) act(mailbox, random);
  }
  eventful = false;
  await replay.poll();
  // A removal noted in the round before may have been of an item that a round in progress had shown again.
  await replay.poll();
  return { mailbox, replay };
}

describe('delta rounds of the simulated Graph', () => {
  it.each(SEEDS)('rebuild the mailbox under immutable ids, seed %i', async (seed) => {
    const simulator = await startGraphSimulator({ seed, oddities: ODDITIES });
    try {
      const { mailbox, replay } = await liveThrough(simulator, seed, true);
      expect(essences(replay.messages.values())).toEqual(essences(mailbox.messages()));
      expect([...replay.messages.keys()].sort()).toEqual(
        mailbox
          .messages()
          .map((one) => one.id)
          .sort(),
      );
    } finally {
      await simulator.close();
    }
  });

  it.each(SEEDS)('rebuild the mailbox under mutable ids, seed %i', async (seed) => {
    const simulator = await startGraphSimulator({ seed, oddities: ODDITIES });
    try {
      const { mailbox, replay } = await liveThrough(simulator, seed, false);
      expect(essences(replay.messages.values())).toEqual(essences(mailbox.messages()));
    } finally {
      await simulator.close();
    }
  });

  it('do not rebuild it for a client that believes every removal: the bounce A -> B -> A is lost to it', async () => {
    const simulator = await startGraphSimulator();
    try {
      const mailbox = simulator.addMailbox({ email: 'a@contoso.example', messages: 10 });
      const probe = createProbe(simulator, 'a@contoso.example');
      const inbox = mailbox.wellKnown('inbox')?.id ?? '';
      const first = await probe.walk(`/me/mailFolders/${inbox}/messages/delta`);
      const id = first.items[0]?.id ?? '';
      mailbox.moveMessage(id, 'archive');
      mailbox.moveMessage(id, 'inbox');
      const second = await probe.walk(first.deltaLink);
      expect(second.items).toEqual<Item[]>([{ id, '@removed': { reason: 'deleted' } }]);
      expect((await probe.walk(second.deltaLink)).items).toEqual([]);
      mailbox.setCategories(id, ['Touched']);
      expect((await probe.walk(second.deltaLink)).items).toMatchObject([{ id, categories: ['Touched'] }]);
    } finally {
      await simulator.close();
    }
  });
});
