// Holds a mailbox's requests to Graph, so that a test decides what a run is doing when something happens to it.
import type { GraphSimulator } from '../harness/graph/simulator.ts';

export interface Gate {
  /** Resolves when a request of the mailbox is held. */
  readonly reached: Promise<void>;
  /** Answers what is held; from now on nothing is. */
  readonly open: () => void;
}

export function holdGraph(graph: GraphSimulator, email: string): Gate {
  const reached = Promise.withResolvers<undefined>();
  const opened = Promise.withResolvers<undefined>();
  const takeBack = graph.faults.add({
    when: ({ kind, mailbox }) => {
      const matches = kind === 'graph' && mailbox?.toLowerCase() === email.toLowerCase();
      if (matches) reached.resolve(undefined);
      return matches;
    },
    times: Infinity,
    reply: { until: opened.promise },
  });
  return {
    reached: reached.promise,
    open: () => {
      takeBack();
      opened.resolve(undefined);
    },
  };
}
