/**
 * Azurite answers as soon as a change is in its memory, and writes it down some seconds later: a kill -9 would lose what
 * it has acknowledged, which no real storage does. Here the answer waits for the disk.
 */
import { ServerResponse } from 'node:http';

/** The database under Azurite, as far as it is touched here. */
interface LokiDatabase {
  /** A save is under way; what is saved meanwhile follows it. */
  readonly throttledSavePending: boolean;
  autosaveDirty(): boolean;
  autosaveEnable(...given: unknown[]): unknown;
  saveDatabase(done: (error?: Error) => void): void;
}

const READS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/** Has every answer to a request that may change something wait until that is written down. */
export function writeThrough({ prototype }: { readonly prototype: LokiDatabase }): void {
  const databases = new Set<LokiDatabase>();
  const { autosaveEnable } = prototype;
  prototype.autosaveEnable = function (...given) {
    databases.add(this);
    return autosaveEnable.apply(this, given);
  };
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

const isUnsaved = (database: LokiDatabase) => database.throttledSavePending || database.autosaveDirty();

function save(database: LokiDatabase): Promise<void> {
  return new Promise((resolve, reject) => {
    database.saveDatabase((error) => (error ? reject(error) : resolve()));
  });
}
