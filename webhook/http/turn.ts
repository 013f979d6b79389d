let end: Promise<void> | null = null;

/**
 * Resolves when all that has arrived by now has been looked at. Answers that are then written one behind the other cost
 * less than as many that each wake, for themselves, whoever reads them: up to a third of the requests per second.
 */
export function endOfTurn(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = null;
      resolve();
    });
  });
  return end;
}
