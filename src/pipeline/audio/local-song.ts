import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ContainerClient } from '@azure/storage-blob';
import type { Config } from '../config.ts';
import type { SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { readContent } from '../storage/blob-version.ts';
import { abortable } from './abortable.ts';
import { undoEncoding } from './content-encoding.ts';
import { type DecodedFile, decode } from './decode.ts';
import { ensureSpace, namingFullDisk } from './disk-space.ts';
import { SharedWork } from './shared-work.ts';

/** Version of a song's blob; once its SHA-256 is known, that content and no other. */
export type SongVersion = Pick<
  SourceInfo,
  'audio_file_id' | 'blob_name' | 'etag' | 'size_bytes' | 'content_encoding'
> &
  Partial<Pick<SourceInfo, 'sha256'>> & { readonly content_md5?: string };

export interface LocalSong extends DecodedFile {
  /** Path of the decoded samples, see `SongFile`. */
  readonly path: string;
  readonly sha256: string;
}

/** Decoding that is under way in this process, so that stages running side by side share it. */
const underWay = new Map<string, SharedWork<LocalSong>>();

/**
 * The decoded song on this machine: the copy that is there, or else downloaded and decoded now.
 *
 * @throws WorkerError why it could not be had, or `signal`'s reason.
 */
export async function localSong(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  signal?: AbortSignal,
): Promise<LocalSong> {
  signal?.throwIfAborted();
  const folder = folderOf(source, config);
  const running = underWay.get(folder) ?? start(container, source, config, folder);
  try {
    return await running.wait(signal);
  } catch (error) {
    // Whoever came before has left it off; nobody else has.
    if (running.isAborted && !signal?.aborted) return await localSong(container, source, config, signal);
    throw error;
  }
}

function start(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  folder: string,
): SharedWork<LocalSong> {
  const work = new SharedWork((signal) =>
    obtain(container, source, config, folder, signal).finally(() => underWay.delete(folder)),
  );
  underWay.set(folder, work);
  return work;
}

/** Folders that this process has used. */
const used = new Set<string>();

/** This machine's folder of a song, for files that go when the decoded song goes. */
export async function songFolder(source: SongVersion, config: Config): Promise<string> {
  const folder = folderOf(source, config);
  used.add(folder);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Removes the decoded songs of this process from this machine. */
export async function removeLocalSongs(): Promise<void> {
  for (const folder of used) await rm(folder, { recursive: true, force: true });
  used.clear();
}

/** Removes the decoded song from this machine. */
export async function removeLocalSong(source: SongVersion, config: Config): Promise<void> {
  await rm(folderOf(source, config), { recursive: true, force: true });
}

async function obtain(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  folder: string,
  signal: AbortSignal,
): Promise<LocalSong> {
  used.add(folder);
  const path = join(folder, 'song.f32');
  const description = join(folder, 'song.json');
  const known = await readFile(description, 'utf8').catch(() => undefined);
  if (known) return { path, ...JSON.parse(known) };

  const { minFreeDiskBytes } = config;
  const encoded = join(folder, 'encoded');
  try {
    await mkdir(folder, { recursive: true });
    await ensureSpace(folder, source.size_bytes, minFreeDiskBytes);
    const sha256 = await readContent(container, source, (pieces) =>
      downloadTo(encoded, pieces, source.content_encoding, config.maxFileBytes, signal),
    );
    if (source.sha256 !== undefined && source.sha256 !== sha256)
      throw new WorkerError(
        'blob_changed',
        `The blob '${source.blob_name}' was replaced while it was analysed.`,
      );
    const decoded = await decode(encoded, path, {
      maxDurationSeconds: config.maxDurationSeconds,
      timeoutMs: config.decodeTimeoutMs,
      memoryBytes: config.decoderMemoryBytes,
      minFreeDiskBytes,
      signal,
    });
    await writeFile(description, JSON.stringify({ ...decoded, sha256 }));
    return { path, ...decoded, sha256 };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw namingFullDisk(error, folder);
  } finally {
    await rm(encoded, { force: true });
  }
}

/** Writes a file of what the blob holds; the SHA-256 of the blob in hex. */
async function downloadTo(
  path: string,
  pieces: AsyncIterable<Buffer>,
  encoding: string | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  async function* hashed() {
    for await (const piece of abortable(pieces, signal)) {
      hash.update(piece);
      yield piece;
    }
  }
  await pipeline(undoEncoding(hashed(), encoding, maxBytes), createWriteStream(path));
  return hash.digest('hex');
}

function folderOf({ audio_file_id, blob_name, etag }: SongVersion, config: Config): string {
  const key = createHash('sha256')
    .update(JSON.stringify([audio_file_id, blob_name, etag]))
    .digest('hex')
    .slice(0, 24);
  return join(config.workDir, key);
}
