/**
 * The life of a mailbox whose sync is hit again and again: killed, cut off from its database, failed by Graph, and
 * started again, while the mailbox goes on changing. After each blow no cursor may stand past an unstored message;
 * at the end the tables must equal the mailbox.
 */
import fc from 'fast-check';
import type { TestDatabase } from '../database.ts';
import type { SimulatedMailbox } from '../graph/mailbox.ts';
import { type GraphSimulator, startGraphSimulator } from '../graph/simulator.ts';
import { type JobOutcome, jobEnvironment, startJob, syncArguments } from '../job.ts';
import { type TcpProxy, tcpProxy } from '../tcpProxy.ts';
import { type Act, perform } from './acts.ts';
import { unstoredBehindCursors } from './coverage.ts';
import { differences } from './differences.ts';
import { anyAct, anySetup, type Interruption, interruptions, type Setup } from './histories.ts';
import { syncInProcess } from './inProcessSync.ts';
import { anyTrouble, lieInWait, type Trouble } from './troubles.ts';

/** What happens before a run, during it, and to it. */
interface Round {
  readonly before: readonly Act[];
  readonly during: readonly Interruption[];
  readonly troubles: readonly Trouble[];
}

export interface CrashPlan {
  readonly setup: Setup;
  readonly rounds: readonly Round[];
}

const round: fc.Arbitrary<Round> = fc.record({
  before: fc.array(anyAct, { minLength: 2, maxLength: 12, size: 'max' }),
  during: interruptions,
  troubles: fc.array(anyTrouble, { minLength: 1, maxLength: 2, size: 'max' }),
});

const anyPlan: fc.Arbitrary<CrashPlan> = fc.record({
  setup: anySetup,
  rounds: fc.array(round, { minLength: 3, maxLength: 5, size: 'max' }),
});

/** The same seed gives the same plan; where between two instructions a blow falls is up to the machine. */
export function crashPlan(seed: number): CrashPlan {
  const [plan] = fc.sample(anyPlan, { seed, numRuns: 1 });
  if (plan === undefined) throw new Error('No plan');
  return plan;
}

const mostDrains = 40;

class CrashLife {
  readonly #plan: CrashPlan;
  readonly #database: TestDatabase;
  readonly #simulator: GraphSimulator;
  readonly #mailbox: SimulatedMailbox;
  readonly #proxy: TcpProxy;
  /** What became of each run, for the report. */
  readonly endings: string[] = [];

  constructor(
    plan: CrashPlan,
    stage: { database: TestDatabase; simulator: GraphSimulator; proxy: TcpProxy },
    email: string,
  ) {
    this.#plan = plan;
    this.#database = stage.database;
    this.#simulator = stage.simulator;
    this.#proxy = stage.proxy;
    const { seed, messages, folders } = plan.setup;
    this.#mailbox = this.#simulator.addMailbox({ email, messages: messages + 30, folders, seed });
  }

  #environment(): Record<string, string> {
    const { pageSize, maxMessages } = this.#plan.setup;
    return {
      ...jobEnvironment(this.#simulator, this.#proxy.url, this.#mailbox.refreshToken),
      OUTLOOK_SYNC_PAGE_SIZE: String(pageSize),
      OUTLOOK_SYNC_MAX_MESSAGES: String(maxMessages),
      OUTLOOK_SYNC_LEASE_SECONDS: '5',
      OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: '5000',
    };
  }

  /**
   * Lets the lease of a run that could not give it back expire now: five seconds of waiting for the clock would show
   * nothing more, and the fence goes by the epoch, which this leaves to the next run.
   */
  async #freeLease(): Promise<void> {
    await this.#database.query(
      `UPDATE email_providers SET "syncLeaseExpiresAt" = timezone('UTC', now()) - interval '1 second'
       WHERE lower("email") = lower($1) AND "syncLeaseExpiresAt" IS NOT NULL`,
      [this.#mailbox.email],
    );
  }

  async #run(troubles: readonly Trouble[], during: readonly Interruption[]): Promise<JobOutcome> {
    const job = startJob(syncArguments(this.#mailbox.email), this.#environment());
    const victim = {
      simulator: this.#simulator,
      mailbox: this.#mailbox,
      proxy: this.#proxy,
      kill: () => job.kill('SIGKILL'),
    };
    const callOff = lieInWait(troubles, victim, (number) => {
      for (const { request, act } of during) if (request === number) perform(this.#mailbox, act);
    });
    const outcome = await job.outcome;
    callOff();
    const { code, signal, summary } = outcome;
    this.endings.push(
      signal ?? `${code} ${summary.status ?? ''} ${summary.error?.code ?? summary.cursor ?? ''}`,
    );
    return outcome;
  }

  /** A run may fail for the time being, and be killed; it must never take a fault for a bug or a dead grant. */
  #assertEnding({ code, signal, stderr, summary }: JobOutcome): void {
    if (signal === 'SIGKILL' || code === 0 || code === 75) return;
    // JSON that stays broken, however often it is asked for.
    if (code === 76 && summary.error?.code === 'GraphResponseInvalid') return;
    throw new Error(`A run ended with ${signal ?? code}:\n${stderr}`);
  }

  async #assertNothingBehindCursors(): Promise<void> {
    const { seed } = this.#plan.setup;
    const lost = await unstoredBehindCursors(this.#database, this.#mailbox, seed);
    if (lost.length > 0) throw new Error(lost.join('\n'));
  }

  async round({ before, during, troubles }: Round): Promise<void> {
    for (const act of before) perform(this.#mailbox, act);
    this.#assertEnding(await this.#run(troubles, during));
    await this.#assertNothingBehindCursors();
    await this.#freeLease();
  }

  /**
   * Without further trouble: until no cursor is in mid-pagination, and once more for what a half told round left. The
   * first of these runs is the built job again; the others need no process of their own.
   */
  async drain(): Promise<void> {
    const { code, stderr } = await this.#run([], []);
    if (code !== 0) throw new Error(`A run without trouble failed:\n${stderr}`);
    const claim = { email: this.#mailbox.email, userId: 'user-1' };
    for (let [runs, steady] = [0, 0]; steady < 2; runs += 1) {
      if (runs === mostDrains) throw new Error(`Not steady after ${runs} runs`);
      const summary = await syncInProcess(this.#environment(), claim);
      this.endings.push(`${summary.status} ${summary.error?.code ?? summary.cursor}`);
      if (summary.status !== 'connected')
        throw new Error(`A run without trouble failed: ${JSON.stringify(summary)}`);
      steady = summary.cursor === 'Steady' ? steady + 1 : 0;
    }
    const found = await differences(this.#database, this.#mailbox);
    if (found.length > 0) throw new Error(`The tables do not equal the mailbox:\n  ${found.join('\n  ')}`);
  }
}

/** Lives through a plan. Throws, telling how each run ended, where a message is lost on the way or at the end. */
export async function liveThroughCrashes(
  plan: CrashPlan,
  database: TestDatabase,
  email: string,
): Promise<void> {
  const { setup } = plan;
  const simulator = await startGraphSimulator({
    seed: setup.seed,
    allowMailboxDelta: setup.mailboxDelta,
    allowFolderListDelta: setup.folderListDelta,
    relativeLinks: setup.relativeLinks,
    oddities: setup.oddities,
  });
  const proxy = await tcpProxy(database.url);
  const life = new CrashLife(plan, { database, simulator, proxy }, email);
  try {
    for (const one of plan.rounds) await life.round(one);
    await life.drain();
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`${told}\nThe runs ended: ${life.endings.join('; ')}`, { cause: error });
  } finally {
    await proxy.close();
    await simulator.close();
  }
}
