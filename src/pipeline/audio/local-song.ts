import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ContainerClient } from '@azure/storage-blob';
import type { Config } from '../config.ts';
import type { SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { readContent } from '../storage/blob-version.ts';
import { abortable } from './abortable.ts';
import { undoEncoding } from './content-encoding.ts';
import { type HeldFolder, holdFolder, removeFolder } from './copies/copies.ts';
import { DESCRIPTION, SAMPLES } from './copies/copy-folder.ts';
import { type DecodedFile, decode } from './decode.ts';
import { ensureSpace, namingFullDisk } from './disk-space.ts';
import { SharedWork } from './shared-work.ts';
import { FRAME_BYTES } from './song.ts';

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

/** A decoded song that stays on this machine until it is released. */
export type HeldSong = LocalSong & AsyncDisposable;

/** Decoding that is under way in this process, so that stages running side by side share it. */
const underWay = new Map<string, SharedWork<LocalSong>>();

/**
 * The decoded song on this machine: the copy that is there, or else downloaded and decoded now. Whoever asks releases it.
 *
 * @throws WorkerError why it could not be had, or `signal`'s reason.
 */
export async function localSong(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  signal?: AbortSignal,
): Promise<HeldSong> {
  signal?.throwIfAborted();
  const folder = await holdFolder(keyOf(source), config);
  try {
    const song = await shared(container, source, config, folder.path, signal);
    return { ...song, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** What is under way in this process for the folder at `path`, or else is started now. */
async function shared(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  path: string,
  signal?: AbortSignal,
): Promise<LocalSong> {
  let running = underWay.get(path);
  if (!running) {
    running = new SharedWork((workSignal) =>
      hold(container, source, config, workSignal).finally(() => underWay.delete(path)),
    );
    underWay.set(path, running);
  }
  try {
    return await running.wait(signal);
  } catch (error) {
    // Whoever came before has left it off; nobody else has.
    if (running.isAborted && !signal?.aborted) return await shared(container, source, config, path, signal);
    throw error;
  }
}

/** The work holds the folder itself: whoever began it may leave before the others. */
async function hold(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  signal: AbortSignal,
): Promise<LocalSong> {
  await using folder = await holdFolder(keyOf(source), config);
  return await obtain(container, source, config, folder, signal);
}

/** A folder on this machine for files that are made of a song, and go when who asks releases it. */
export function scratchFolder(source: SongVersion, config: Config): Promise<HeldFolder> {
  // Not the decoded song's: that may go where there is no room for both.
  return holdFolder(keyOf(source, 'scratch'), config);
}

/** Removes the decoded song from this machine, unless somebody uses it. */
export async function removeLocalSong(source: SongVersion, config: Config): Promise<void> {
  await removeFolder(keyOf(source), config);
}

async function obtain(
  container: ContainerClient,
  source: SongVersion,
  config: Config,
  folder: HeldFolder,
  signal: AbortSignal,
): Promise<LocalSong> {
  const path = join(folder.path, SAMPLES);
  const description = join(folder.path, DESCRIPTION);
  const known = await readDescription(description, path);
  if (known) return { path, ...known };

  const { minFreeDiskBytes } = config;
  // Another process may be decoding the same song: each writes files of its own, and what is complete takes its place.
  const encoded = join(folder.path, `encoded.${folder.id}`);
  const samples = join(folder.path, `song.${folder.id}.f32`);
  try {
    await folder.makeRoom(source.size_bytes, signal);
    await ensureSpace(folder.path, source.size_bytes, minFreeDiskBytes);
    const sha256 = await readContent(container, source, (pieces) =>
      downloadTo(encoded, pieces, source.content_encoding, config.maxFileBytes, signal),
    );
    if (source.sha256 !== undefined && source.sha256 !== sha256)
      throw new WorkerError(
        'blob_changed',
        `The blob '${source.blob_name}' was replaced while it was analysed.`,
      );
    const decoded = await decode(encoded, samples, {
      maxDurationSeconds: config.maxDurationSeconds,
      timeoutMs: config.decodeTimeoutMs,
      memoryBytes: config.decoderMemoryBytes,
      minFreeDiskBytes,
      makeRoom: (bytes) => folder.makeRoom(bytes, signal),
      signal,
    });
    const written = join(folder.path, `song.${folder.id}.json`);
    await writeFile(written, JSON.stringify({ ...decoded, sha256 }));
    await rename(samples, path);
    await rename(written, description);
    return { path, ...decoded, sha256 };
  } catch (error) {
    throw namingFullDisk(error, folder.path);
  } finally {
    await rm(encoded, { force: true });
  }
}

/** What is known of a copy; undefined where it is not there or not whole. */
async function readDescription(
  description: string,
  path: string,
): Promise<Omit<LocalSong, 'path'> | undefined> {
  try {
    const known = JSON.parse(await readFile(description, 'utf8')) as Omit<LocalSong, 'path'>;
    return (await stat(path)).size === known.frames * FRAME_BYTES ? known : undefined;
  } catch {
    return undefined;
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

function keyOf({ audio_file_id, blob_name, etag }: SongVersion, ...purpose: string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([audio_file_id, blob_name, etag, ...purpose]))
    .digest('hex')
    .slice(0, 24);
}
