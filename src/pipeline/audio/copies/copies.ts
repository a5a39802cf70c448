/**
 * The decoded songs on this machine's disk. Several processes may share a folder of them: each marks with leases what it
 * uses, and every one of them removes what nobody needs any more.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import { WorkerError } from '../../errors.ts';
import {
  type CopyFolder,
  clear,
  DESCRIPTION,
  isCopyFolder,
  type Lease,
  leaseFile,
  lookAt,
  RENEWAL_MS,
} from './copy-folder.ts';
import { withLock } from './folder-lock.ts';
import { thisProcess } from './process-mark.ts';
import { requireWorkDir } from './work-dir.ts';

export type CopySettings = Pick<Config, 'workDir' | 'workDirMaxBytes' | 'localCopyMs' | 'minFreeDiskBytes'>;

/**
 * Share of the disk, as far as it is free or holds copies, that they may take unless a setting says otherwise. The rest is
 * the host's and other programs'; on a Flex Consumption instance's 0.8 GB, a song of 28 minutes still has room.
 */
const DISK_SHARE = 0.75;
/** How long a copy waits for room that others have in use, and how often it looks, in ms. */
const WAIT_MS = 60_000;
const LOOK_MS = 500;
const MEGABYTE = 1_000_000;
const ID_CHARACTERS = 8;

/** A song's folder that is not removed until it is released. */
export interface HeldFolder extends AsyncDisposable {
  readonly path: string;
  /** What the holder makes on its way bears this id, so that others know whose it is: `encoded.<id>`, `chords-<id>-…`. */
  readonly id: string;
  /**
   * Makes room for so many bytes more in this folder: removes copies that nobody uses, the longest unused first, and waits
   * a while for those in use.
   *
   * @throws WorkerError `disk_full` where that is not enough, or the signal's reason.
   */
  makeRoom(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** Folders that this process has held. */
const held = new Set<string>();

/** Holds the folder of a song: `key` is 24 hexadecimal digits. */
export async function holdFolder(key: string, settings: CopySettings): Promise<HeldFolder> {
  requireWorkDir(settings);
  const path = join(settings.workDir, key);
  const id = randomUUID().slice(0, ID_CHARACTERS);
  const file = join(path, leaseFile(id));
  const lease = (bytes: number): Lease => ({ ...thisProcess, bytes });
  await withLock(settings.workDir, async () => {
    await mkdir(path, { recursive: true });
    await writeFile(file, JSON.stringify(lease(0)));
  });
  held.add(path);
  const renew = () => utimes(file, new Date(), new Date()).catch(() => {});
  const timer = setInterval(renew, RENEWAL_MS).unref();
  return {
    path,
    id,
    makeRoom: async (bytes, signal) => {
      for (const since = Date.now(); ; await sleep(LOOK_MS, undefined, { signal })) {
        const shortage = await withLock(settings.workDir, async () => {
          const short = await shortageFor(bytes, path, settings);
          if (!short) await writeFile(file, JSON.stringify(lease((await sizeAt(path)) + bytes)));
          return short;
        });
        if (!shortage) return;
        if (shortage.mayPass && Date.now() - since < WAIT_MS) continue;
        if (shortage.error) throw shortage.error;
        return; // What the disk itself has no room for is told by who writes to it.
      }
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await withLock(settings.workDir, async () => {
        await utimes(join(path, DESCRIPTION), new Date(), new Date()).catch(() => {});
        await rm(file, { force: true });
        const folder = await lookAt(path, Date.now());
        if (folder && !folder.inUse && folder.usedAt === undefined) await clear(folder, true);
      });
      sweepLater(settings);
    },
  };
}

/** Removes a song's folder, unless somebody uses it. */
export async function removeFolder(key: string, { workDir }: Pick<CopySettings, 'workDir'>): Promise<void> {
  if (await stat(join(workDir, key)).catch(() => undefined))
    await withLock(workDir, () => removeUnused(join(workDir, key)));
}

/** Removes the folders that this process has held, but for those that another one uses. */
export async function removeHeldFolders(): Promise<void> {
  for (const path of held) await removeFolder(basename(path), { workDir: join(path, '..') });
  held.clear();
}

/**
 * Removes what nobody needs: what processes that have ended left half made, copies that were not used for a while, and
 * the longest unused ones where all of them take more than they may.
 */
export async function sweepCopies(settings: CopySettings): Promise<void> {
  if (!(await stat(settings.workDir).catch(() => undefined))) return;
  await withLock(settings.workDir, () => sweep(settings));
}

/** Sweeps, under the lock. Returns the folders that stay, and how many bytes more than they may they take with `more`. */
async function sweep(settings: CopySettings, more = 0, path = '') {
  const tooOld = Date.now() - settings.localCopyMs;
  for (const folder of await foldersIn(settings.workDir)) {
    const isKept = folder.inUse || (folder.usedAt ?? 0) > tooOld;
    await clear(folder, !isKept);
  }
  const folders = await foldersIn(settings.workDir);
  const limit = await limitOf(folders, settings);
  const most = Math.min(limit.allowed, limit.there);
  let over = folders.reduce((sum, { bytes }) => sum + bytes, more) - most;
  const unused = folders.filter((folder) => !folder.inUse && folder.path !== path);
  for (const folder of unused.sort((a, b) => a.usedAt! - b.usedAt!)) {
    if (over <= 0) break;
    await clear(folder, true);
    over -= folder.bytes;
    folders.splice(folders.indexOf(folder), 1);
  }
  return { folders, over, limit };
}

/**
 * Why a folder can't grow by so many bytes, after all that nobody uses has been removed; undefined where it can. It may
 * pass where others have the room in use. There is no `error` where the disk is full, and not the copies too many.
 */
async function shortageFor(
  bytes: number,
  path: string,
  settings: CopySettings,
): Promise<{ mayPass: boolean; error?: WorkerError } | undefined> {
  const { folders, over, limit } = await sweep(settings, bytes, path);
  if (over <= 0) return undefined;
  const others = folders.filter((folder) => folder.path !== path);
  const taken = others.reduce((sum, folder) => sum + folder.bytes, 0);
  const mayPass = taken > 0 && over <= taken;
  if (limit.there < limit.allowed) return { mayPass };
  const needed = bytes + (await sizeAt(path));
  const beside = mayPass ? `, ${megabytes(taken)} MB of which other songs have in use` : '';
  const setting = settings.workDirMaxBytes ? '' : '; unset, it is three quarters of the disk';
  const error = new WorkerError(
    'disk_full',
    `The song takes ${megabytes(needed)} MB in WORK_DIR; WORK_DIR_MAX_MB allows ${megabytes(limit.allowed)} MB${beside}. Raise it${setting}.`,
  );
  return { mayPass, error };
}

/** Bytes that all copies together are allowed, and those that there are for them. */
async function limitOf(
  folders: readonly CopyFolder[],
  { workDir, workDirMaxBytes, minFreeDiskBytes }: CopySettings,
): Promise<{ allowed: number; there: number }> {
  const { bavail, bsize } = await statfs(workDir);
  const disk = bavail * bsize + folders.reduce((sum, { size }) => sum + size, 0);
  return { allowed: workDirMaxBytes ?? disk * DISK_SHARE, there: disk - minFreeDiskBytes };
}

const sizeAt = async (path: string) => (await lookAt(path, Date.now()))?.size ?? 0;

async function removeUnused(path: string): Promise<void> {
  const folder = await lookAt(path, Date.now());
  if (folder) await clear(folder, !folder.inUse);
}

async function foldersIn(workDir: string): Promise<CopyFolder[]> {
  const names = (await readdir(workDir)).filter(isCopyFolder);
  const folders = await Promise.all(names.map((name) => lookAt(join(workDir, name), Date.now())));
  return folders.filter((folder) => folder !== undefined);
}

let later: NodeJS.Timeout | undefined;

/** What stays without being used must not stay for ever where no further song comes. */
function sweepLater(settings: CopySettings): void {
  clearTimeout(later);
  later = setTimeout(() => sweepCopies(settings).catch(() => {}), settings.localCopyMs + RENEWAL_MS).unref();
}

const megabytes = (bytes: number) => Math.round(bytes / MEGABYTE);
