import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, type ProcessMark } from './process-mark.ts';

/** A decoded song's files: the samples, and what says that they are complete. */
export const SAMPLES = 'song.f32';
export const DESCRIPTION = 'song.json';
const LEASE = '.lease';
/** What a holder makes on its way bears its lease's id. */
const MADE_BY = /^(?:encoded|song|chords)[.-]([0-9a-f]{8})\b/;
/** Names of earlier versions. */
const OLD_DEBRIS = /^(?:encoded|song\.f32\.\d+\.partial|chords-\w{6})$/;
/** A lease is renewed this often, in ms. */
export const RENEWAL_MS = 15_000;
/** One that was not for so long counts no more, where its holder can't be looked for: on another machine. */
const LEASE_MS = 6 * RENEWAL_MS;

/** What a lease's file says. */
export interface Lease extends ProcessMark {
  /** Bytes that the folder will take, for those who reckon before it does. */
  readonly bytes: number;
}

/** One song's folder of decoded samples, as a sweep finds it. */
export interface CopyFolder {
  readonly path: string;
  /** Bytes that its files take. */
  readonly size: number;
  /** The same, with what its holders are about to write. */
  readonly bytes: number;
  readonly inUse: boolean;
  /** When it was last used, in ms since 1970; undefined where the song in it is not complete. */
  readonly usedAt: number | undefined;
  /** Files and folders that nobody works on any more: left by processes that have ended. */
  readonly debris: readonly string[];
}

export const leaseFile = (id: string) => `${id}${LEASE}`;

/** Whether a name is that of a song's folder. Nothing else in WORK_DIR is ever touched. */
export const isCopyFolder = (name: string): boolean => /^[0-9a-f]{24}$/.test(name);

/** Looks at a song's folder; undefined where there is none. */
export async function lookAt(path: string, now: number): Promise<CopyFolder | undefined> {
  const names = await readdir(path).catch(() => undefined);
  if (!names) return undefined;
  const leases = names.filter((name) => name.endsWith(LEASE));
  const held = await Promise.all(leases.map((name) => readLease(join(path, name), now)));
  const ids = leases.map((name) => name.slice(0, -LEASE.length));
  const live = new Set(ids.filter((_, i) => held[i]));
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  const description = names.includes(SAMPLES) && (await stat(join(path, DESCRIPTION)).catch(() => undefined));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const reserved = Math.max(0, ...held.map((lease) => lease?.bytes ?? 0));
  const isDebris = (name: string) =>
    name.endsWith(LEASE)
      ? !live.has(name.slice(0, -LEASE.length))
      : MADE_BY.test(name)
        ? !live.has(MADE_BY.exec(name)![1])
        : OLD_DEBRIS.test(name) && live.size === 0;
  return {
    path,
    size,
    bytes: Math.max(reserved, size),
    inUse: live.size > 0,
    usedAt: description ? description.mtimeMs : undefined,
    debris: names.filter(isDebris),
  };
}

/** Removes what has been left in a folder, or, with `all`, everything of ours. What is not ours stays, and its folder. */
export async function clear({ path, debris }: CopyFolder, all: boolean): Promise<void> {
  // The description first: a song without it counts as not there, wherever this is broken off.
  const names = all ? [DESCRIPTION, SAMPLES, ...debris] : debris;
  for (const name of names) await rm(join(path, name), { recursive: true, force: true });
  if (all) await rmdir(path).catch(() => {});
}

/** A lease that counts; undefined for one whose holder has ended or was not heard of for long. */
async function readLease(path: string, now: number): Promise<Lease | undefined> {
  try {
    const lease = JSON.parse(await readFile(path, 'utf8')) as Lease;
    const isHeld = isAlive(lease) ?? now - (await stat(path)).mtimeMs < LEASE_MS;
    return isHeld ? lease : undefined;
  } catch {
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.size ?? 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
