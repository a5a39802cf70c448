import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { WorkerError } from '../errors.ts';

/**
 * Keeps other processes from installing models until it is disposed of. The file at `path` holds the owner's process id,
 * so that the lock of a process that was killed does not stay.
 *
 * @throws WorkerError `model_unavailable` where another process has it.
 */
export function lockModels(path: string): Disposable {
  if (!createFile(path)) takeOver(path);
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/**
 * Takes the lock of a process that is no more. Of several that try, the one that creates the claim wins; it becomes the
 * lock in one step, and who claims afterwards finds a living owner.
 */
function takeOver(path: string): void {
  const owner = ownerOf(path);
  const claim = `${path}.${owner}`;
  if (isAlive(owner) || !createFile(claim)) throw occupied(path, owner);
  if (ownerOf(path) === owner) return renameSync(claim, path);
  rmSync(claim);
  throw occupied(path, ownerOf(path));
}

/** Whether the file could be made; false where it is there. */
function createFile(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process id in the file, 0 where its owner is just writing it or giving it up. */
function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user cannot be signalled, but it lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function occupied(path: string, owner: number): WorkerError {
  return new WorkerError(
    'model_unavailable',
    `Another process (${owner}) is installing models. Wait for it; where there is none, delete ${path}*.`,
  );
}
