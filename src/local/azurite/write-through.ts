/**
 * Azurite answers as soon as a change is in its memory, and writes it down some seconds later: a kill -9 would lose what
 * it has acknowledged, which no real storage does. Here the answer waits for the disk.
 */
import { ServerResponse } from 'node:http';

/** The database under Azurite, as far as it is touched here. */
interface LokiDatabase {
  /** Whether anything has changed since the last save began. */
  autosaveDirty(): boolean;
  autosaveEnable(...given: unknown[]): unknown;
  /** Saves now, or once more after the save that is under way. While it is being loaded, `done` is never called. */
  saveDatabase(done: Done): void;
  saveDatabaseInternal(done: Done): void;
}
type Done = (error?: Error) => void;

const READS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/** Has every answer to a request that may change something wait until that is written down. */
export function writeThrough({ prototype }: { readonly prototype: LokiDatabase }): void {
  const databases = new Set<LokiDatabase>();
  const saving = new Set<LokiDatabase>();
  const { autosaveEnable, saveDatabaseInternal } = prototype;
  prototype.autosaveEnable = function (...given) {
    databases.add(this);
    return autosaveEnable.apply(this, given);
  };
  prototype.saveDatabaseInternal = function (done) {
    saving.add(this);
    saveDatabaseInternal.call(this, (error) => {
      saving.delete(this);
      done(error);
    });
  };
  const isUnsaved = (database: LokiDatabase) => saving.has(database) || database.autosaveDirty();
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
    const unsaved = READS.includes(this.req.method) ? [] : [...databases].filter(isUnsaved);
    if (unsaved.length === 0) return end.apply(this, given as never);
    Promise.all(unsaved.map(save)).then(
      () => end.apply(this, given as never),
      () => this.destroy(),
    );
    return this;
  } as typeof end;
}

function save(database: LokiDatabase): Promise<void> {
  return new Promise((resolve, reject) => {
    database.saveDatabase((error) => (error ? reject(error) : resolve()));
  });
}
