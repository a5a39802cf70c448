import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { HistoryEvent, NewEvent, RetryOptions } from './protocol.ts';

export type RuntimeStatus = 'Pending' | 'Running' | 'Completed' | 'Failed' | 'Terminated' | 'Suspended';

/** A call that is tried again when it fails, by the number of its current task or of the timer before the next try. */
export interface Retry {
  readonly kind: 'activity' | 'orchestration';
  readonly name: string;
  readonly input: string;
  readonly options: RetryOptions;
  /** Tries so far. */
  readonly attempt: number;
}

/** What an instance needs beside its history to go on. */
export interface Progress {
  /** Number of the next task or timer, as the orchestrator's replay counts. */
  nextId: number;
  /** Signatures of all actions so far. */
  actions: string[];
  retries: Record<string, Retry>;
}

export interface Instance {
  readonly id: string;
  readonly name: string;
  /** Told apart from an earlier run of the same id. */
  readonly execution: string;
  readonly status: RuntimeStatus;
  /** JSON text. */
  readonly input: string;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly created: string;
  readonly updated: string;
  readonly parent: { readonly id: string; readonly execution: string; readonly task: number } | null;
  readonly progress: Progress;
}

/** Work that an instance waits for. */
export interface Work {
  readonly row: number;
  readonly instance: string;
  readonly execution: string;
  readonly task: number;
  readonly kind: 'activity' | 'timer';
  readonly name: string;
  readonly input: string;
  /** Milliseconds since 1970, for timers. */
  readonly due: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, document TEXT NOT NULL, status TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS history (row INTEGER PRIMARY KEY, instance TEXT NOT NULL, event TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS history_of ON history (instance);
  CREATE TABLE IF NOT EXISTS inbox (row INTEGER PRIMARY KEY, instance TEXT NOT NULL, event TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS inbox_of ON inbox (instance);
  CREATE TABLE IF NOT EXISTS work (row INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT NOT NULL,
    task INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL, due INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS work_of ON work (instance);
`;

/** The task hub on disk: instances, their histories, events that wait for them, and work that they wait for. */
export class Store {
  readonly #db: DatabaseSync;
  #inTransaction = false;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(SCHEMA);
  }

  /** Runs `change` so that all of it is on disk when this returns, or none. */
  transaction<T>(change: () => T): T {
    if (this.#inTransaction) return change();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#inTransaction = true;
    try {
      const result = change();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  instance(id: string): Instance | undefined {
    const [row] = this.#all<{ document: string }>('SELECT document FROM instances WHERE id = ?', id);
    return row && JSON.parse(row.document);
  }

  instances(): Instance[] {
    return this.#all<{ document: string }>('SELECT document FROM instances ORDER BY rowid').map(
      ({ document }) => JSON.parse(document),
    );
  }

  save(instance: Instance): void {
    const sql =
      'INSERT INTO instances VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document, status = excluded.status';
    this.#run(sql, instance.id, JSON.stringify(instance), instance.status);
  }

  history(id: string): HistoryEvent[] {
    return this.#all<{ event: string }>('SELECT event FROM history WHERE instance = ? ORDER BY row', id).map(
      ({ event }) => JSON.parse(event),
    );
  }

  append(id: string, events: readonly HistoryEvent[]): void {
    for (const event of events)
      this.#run('INSERT INTO history (instance, event) VALUES (?, ?)', id, JSON.stringify(event));
  }

  /** Lets `event` wait for the instance. */
  deliver(id: string, event: NewEvent): void {
    this.#run('INSERT INTO inbox (instance, event) VALUES (?, ?)', id, JSON.stringify(event));
  }

  /** The event that has waited longest. */
  firstWaiting(id: string): { row: number; event: NewEvent } | undefined {
    const [first] = this.#all<{ row: number; event: string }>(
      'SELECT row, event FROM inbox WHERE instance = ? ORDER BY row LIMIT 1',
      id,
    );
    return first && { row: first.row, event: JSON.parse(first.event) };
  }

  /** Instances that events wait for. */
  waiting(): string[] {
    return this.#all<{ instance: string }>('SELECT DISTINCT instance FROM inbox').map(
      ({ instance }) => instance,
    );
  }

  taken(row: number): void {
    this.#run('DELETE FROM inbox WHERE row = ?', row);
  }

  schedule({ instance, execution, task, kind, name, input, due }: Omit<Work, 'row'>): void {
    const sql =
      'INSERT INTO work (instance, execution, task, kind, name, input, due) VALUES (?, ?, ?, ?, ?, ?, ?)';
    this.#run(sql, instance, execution, task, kind, name, input, due);
  }

  work(kind: Work['kind']): Work[] {
    return this.#all<Work>('SELECT * FROM work WHERE kind = ? ORDER BY due, row', kind);
  }

  /** Whether the work was still there to be ended. */
  end(row: number): boolean {
    return this.#db.prepare('DELETE FROM work WHERE row = ?').run(row).changes > 0;
  }

  cancelTimer(id: string, task: number): void {
    this.#run("DELETE FROM work WHERE instance = ? AND task = ? AND kind = 'timer'", id, task);
  }

  /** Forgets what an instance waits for, and what waits for it but for the events of `keep`. */
  clear(id: string, keepEvents = false): void {
    this.#run('DELETE FROM work WHERE instance = ?', id);
    this.#run('DELETE FROM history WHERE instance = ?', id);
    if (!keepEvents) this.#run('DELETE FROM inbox WHERE instance = ?', id);
  }

  /** Forgets what a finished instance waited for; its history stays. */
  settle(id: string): void {
    this.#run('DELETE FROM work WHERE instance = ?', id);
    this.#run('DELETE FROM inbox WHERE instance = ?', id);
  }

  purge(id: string): void {
    this.clear(id);
    this.#run('DELETE FROM instances WHERE id = ?', id);
  }

  close(): void {
    this.#db.close();
  }

  #all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#db.prepare(sql).all(...values) as T[];
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }
}
