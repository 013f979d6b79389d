import { createPgDriverFactory } from '@slonik/pg-driver';
import {
  createPool,
  type CommonQueryMethods,
  type DatabasePool,
  type Interceptor,
  SchemaValidationError,
} from 'slonik';
import { toDatabaseError } from './failure.ts';

/**
 * The connection pool, and the two rules by which everything in this folder talks to Postgres: rows are parsed by
 * the zod type of their query, and a failure leaves as a `SyncError` of ours.
 * Nothing here keeps state in a session: no advisory lock outlives its transaction, and there is no LISTEN or SET.
 */

const parseRows: Interceptor = {
  name: 'parse rows',
  transformRow: ({ resultParser }, query, row) => {
    if (!resultParser) return row;
    const result = resultParser['~standard'].validate(row);
    if (result instanceof Promise) throw new TypeError('A row schema must be synchronous');
    if (result.issues) throw new SchemaValidationError(query, row, result.issues);
    return result.value as typeof row;
  },
};

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Two write pages, one renews the lease. */
  readonly connections?: number;
  /**
   * How long a transaction may sit idle before Postgres ends it: the lease's duration, so that a process that was
   * paused in the middle of one does not keep its successor waiting on a row lock.
   */
  readonly idleInTransaction?: number;
}

export async function openPool(options: PoolOptions): Promise<DatabasePool> {
  const { databaseUrl, connections = 4, idleInTransaction = 60_000 } = options;
  try {
    const pool = await createPool(databaseUrl, {
      captureStackTrace: false,
      connectionRetryLimit: 0,
      connectionTimeout: 5_000,
      driverFactory: createPgDriverFactory(),
      idleInTransactionSessionTimeout: idleInTransaction,
      idleTimeout: 'DISABLE_TIMEOUT',
      interceptors: [parseRows],
      maxPoolSize: connections,
      queryRetryLimit: 0,
      resetConnection: () => Promise.resolve(),
      statementTimeout: 60_000,
      transactionRetryLimit: 3,
      typeParsers: [],
    });
    // An idle connection that the server ends is replaced at its next use; nobody else has to hear of it.
    pool.on('error', () => undefined);
    return pool;
  } catch (error) {
    throw toDatabaseError(error);
  }
}

/** Runs `work` against the database and turns what Postgres or the driver throws into the closed set of errors. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDatabaseError(error);
  }
}

/** What a query needs: the pool itself, or one transaction's connection. */
export type Queryable = CommonQueryMethods;
