import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HostSetupError } from './errors.ts';

/**
 * Keeps other hosts out of `folder` until it is disposed of or this process ends, however it ends: the lock is the
 * operating system's, on an open file.
 *
 * @throws HostSetupError where another host has it.
 */
export function lockFolder(folder: string): Disposable {
  const database = new DatabaseSync(join(folder, 'lock.sqlite'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch {
    database.close();
    throw new HostSetupError(
      `another worker keeps its state in ${folder}: stop it, or give this one a folder of its own (LOCAL_DIR)`,
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
