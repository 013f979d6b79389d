/**
 * Lives through a history: a simulated mailbox changes, the job syncs it, and whenever it is drained the tables must
 * equal the mailbox.
 *
 * Drained is: no cursor in mid-pagination, after a run that began when nothing more was changing. A round of changes
 * tells what had happened when it began; so where a run has found a round half told, one more run is due.
 */
import type { Summary } from '../../../job/result.ts';
import type { TestDatabase } from '../database.ts';
import { type GraphSimulator, startGraphSimulator } from '../graph/simulator.ts';
import type { SimulatedMailbox } from '../graph/mailbox.ts';
import { jobEnvironment } from '../job.ts';
import { type Act, perform } from './acts.ts';
import { differences } from './differences.ts';
import type { History, Interruption, Setup, Step } from './histories.ts';
import { syncInProcess } from './inProcessSync.ts';

const mostRuns = 60;
let lives = 0;

class Life {
  readonly #setup: Setup;
  readonly #database: TestDatabase;
  readonly #simulator: GraphSimulator;
  readonly #mailbox: SimulatedMailbox;
  /** Whether the last run left every cursor between two rounds. */
  #steady = true;

  constructor(setup: Setup, database: TestDatabase, simulator: GraphSimulator) {
    lives += 1;
    const { seed, messages, folders } = setup;
    this.#setup = setup;
    this.#database = database;
    this.#simulator = simulator;
    const email = `life-${process.pid}-${lives}@contoso.example`;
    this.#mailbox = simulator.addMailbox({ email, messages, folders, seed });
  }

  async #run(pageLimit: number): Promise<Summary> {
    const { refreshToken, email } = this.#mailbox;
    const { pageSize, maxMessages } = this.#setup;
    const env = {
      ...jobEnvironment(this.#simulator, this.#database.url, refreshToken),
      OUTLOOK_SYNC_PAGE_SIZE: String(pageSize),
      OUTLOOK_SYNC_MAX_MESSAGES: String(maxMessages),
      OUTLOOK_SYNC_DELTA_PAGE_LIMIT: String(pageLimit),
      OUTLOOK_SYNC_TRIGGER: 'manual',
    };
    const summary = await syncInProcess(env, { email, userId: 'user-1' });
    if (summary.status !== 'connected')
      throw new Error(`A run without any fault ended: ${JSON.stringify(summary)}`);
    this.#steady = summary.cursor === 'Steady';
    return summary;
  }

  async #runWhile(pageLimit: number, during: readonly Interruption[]): Promise<void> {
    let requests = 0;
    const watch = this.#simulator.faults.add({
      when: ({ kind }) => {
        if (kind === 'token') return false;
        requests += 1;
        for (const { request, act } of during) if (request === requests) perform(this.#mailbox, act);
        return false;
      },
      reply: {},
    });
    await this.#run(pageLimit);
    watch();
    // What comes after the last request of the run has happened all the same.
    for (const { request, act } of during) if (request > requests) perform(this.#mailbox, act);
  }

  async #drain(): Promise<void> {
    let due = this.#steady ? 1 : 2;
    for (let runs = 0; due > 0; runs += 1) {
      if (runs === mostRuns) throw new Error(`Not steady after ${runs} runs`);
      await this.#run(20);
      if (this.#steady) due -= 1;
      else due = 2;
    }
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'run') await this.#runWhile(step.pageLimit, step.during);
    else if (step.kind === 'drain and compare') await this.#compare();
    else perform(this.#mailbox, step satisfies Act);
  }

  async #compare(): Promise<void> {
    await this.#drain();
    const found = await differences(this.#database, this.#mailbox);
    if (found.length > 0) throw new Error(`The tables do not equal the mailbox:\n  ${found.join('\n  ')}`);
  }
}

/** Lives through a history and drains at its end. Throws where the tables differ from the mailbox. */
export async function liveThrough({ setup, steps }: History, database: TestDatabase): Promise<void> {
  const simulator = await startGraphSimulator({
    seed: setup.seed,
    allowMailboxDelta: setup.mailboxDelta,
    allowFolderListDelta: setup.folderListDelta,
    relativeLinks: setup.relativeLinks,
    oddities: setup.oddities,
  });
  try {
    const life = new Life(setup, database, simulator);
    for (const step of steps) await life.take(step);
    await life.take({ kind: 'drain and compare' });
  } finally {
    await simulator.close();
  }
}
