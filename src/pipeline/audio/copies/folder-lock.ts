import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isAlive, type ProcessMark, thisProcess } from './process-mark.ts';

const NAME = 'copies.lock';
/** How often a lock that others hold is tried, in ms. */
const POLL_MS = 5;
/** What is done under the lock takes milliseconds: one so old has been left by a process that nobody here can see. */
const ABANDONED_MS = 10_000;

/** In this process one after the other; the file is for the others. */
const turns = pLimit(1);

/** Does something that no other process may do in `folder` at the same time. */
export function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  return turns(async () => {
    const lock = join(folder, NAME);
    await mkdir(folder, { recursive: true });
    while (!(await take(lock))) {
      if (await isAbandoned(lock)) await remove(lock);
      else await sleep(POLL_MS);
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  });
}

async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, JSON.stringify(thisProcess), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(lock)).mtimeMs > ABANDONED_MS) return true;
    return isAlive(JSON.parse(await readFile(lock, 'utf8')) as ProcessMark) === false;
  } catch {
    return false; // Just being written, or given up: it is tried again.
  }
}

/** Of several that find it abandoned, one moves it away; a new owner's is not theirs to remove. */
async function remove(lock: string): Promise<void> {
  const aside = `${lock}.${process.pid}`;
  try {
    await rename(lock, aside);
    if (await isAbandoned(aside)) await rm(aside, { force: true });
    else await rename(aside, lock);
  } catch {
    // Another one was faster.
  }
}
