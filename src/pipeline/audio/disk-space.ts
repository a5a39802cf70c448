import { statfs } from 'node:fs/promises';
import { WorkerError } from '../errors.ts';

const MEGABYTE = 1_000_000;
/** The disk is full, a quota is reached, a file may not become that large: there is no room, however it came. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Makes sure that `bytes` more go into a folder and `reserve` bytes stay free on its disk.
 *
 * @throws WorkerError `disk_full`.
 */
export async function ensureSpace(folder: string, bytes: number, reserve: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + reserve) return;
  throw new WorkerError(
    'disk_full',
    `${megabytes(free)} MB are free for '${folder}' in WORK_DIR; the song takes ${megabytes(bytes)} MB, and ` +
      `MIN_FREE_DISK_MB keeps ${megabytes(reserve)} MB. Make room, or set WORK_DIR to a larger disk.`,
  );
}

/** A failure to write into `folder` for want of room, as `disk_full`; any other error as it is. */
export function namingFullDisk(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (!code || !NO_ROOM.has(code)) return error;
  return new WorkerError(
    'disk_full',
    `There was no more room for '${folder}' in WORK_DIR (${code}). Make room, or set WORK_DIR to a larger disk.`,
    { cause: error },
  );
}

const megabytes = (bytes: number) => Math.ceil(bytes / MEGABYTE);
