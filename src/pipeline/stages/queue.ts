/** Runs that wait for the one of their id to end: one work blob for each song's blob, with its newest version. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { JobInput } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { blobNames } from '../storage/container.ts';
import { callbackWorkBlob, queuePrefix, queueWorkBlob } from '../storage/names.ts';
import { storageCall, storageCallIfThere } from '../storage/requests.ts';
import { requestCallback } from './callback.ts';
import type { StageContext } from './context.ts';

const KEY_DIGITS = 16;

interface QueueEntry {
  readonly job: JobInput;
  readonly callback_url?: string;
  /** When the blob first had to wait, in ms: the order of the runs. */
  readonly queued_at: number;
}

interface StoredEntry extends QueueEntry {
  readonly etag: string;
  readonly written: Date;
}

type Storage = Pick<StageContext, 'container'>;

const keyOf = (blobName: string) => createHash('sha256').update(blobName).digest('hex').slice(0, KEY_DIGITS);

/** Lets a run wait. Of a blob that waits already this becomes the version, and what only the other one asked for stays. */
export async function enqueueRun(
  job: JobInput,
  callbackUrl: string | undefined,
  storage: Storage,
): Promise<JobInput> {
  const { queued: _, earlier: __, ...own } = job;
  const key = keyOf(job.blob_name);
  for (;;) {
    const before = await readEntry(job.audio_file_id, key, storage);
    const settings = own.model || own.stems ? own : { model: before?.job.model, stems: before?.job.stems };
    const entry: QueueEntry = {
      job: { ...own, model: settings.model, stems: settings.stems },
      callback_url: callbackUrl ?? before?.callback_url,
      queued_at: before?.queued_at ?? Date.now(),
    };
    const etag = await writeEntry(entry, key, before?.etag, storage);
    if (etag) return { ...entry.job, queued: { key, etag } };
  }
}

/** The run of this blob that waits, if one does. */
export async function queuedRun(
  { audio_file_id, blob_name }: Pick<JobInput, 'audio_file_id' | 'blob_name'>,
  storage: Storage,
): Promise<JobInput | undefined> {
  const key = keyOf(blob_name);
  const entry = await readEntry(audio_file_id, key, storage);
  return entry && { ...entry.job, queued: { key, etag: entry.etag } };
}

/** The run that has waited longest. It waits on until it is taken from the queue: asked again, the answer is the same. */
export async function nextRun(audioFileId: string, storage: Storage): Promise<JobInput | undefined> {
  const prefix = queuePrefix(audioFileId);
  const names = await blobNames(storage.container, prefix);
  const keys = names.flatMap((name) => /^([0-9a-f]+)\.json$/.exec(name.slice(prefix.length))?.[1] ?? []);
  const entries = await Promise.all(
    keys.map(async (key) => ({ key, entry: await readEntry(audioFileId, key, storage) })),
  );
  const [first] = entries
    .flatMap(({ key, entry }) => (entry ? { key, entry } : []))
    .toSorted((a, b) => a.entry.queued_at - b.entry.queued_at);
  return first && { ...first.entry.job, queued: { key: first.key, etag: first.entry.etag } };
}

/**
 * A run that waited begins: whom it is to tell is noted, unless somebody else has asked since, and it waits no more. What
 * came in of the same blob after it began waits on.
 */
export async function takeFromQueue(
  { audio_file_id, queued }: Pick<JobInput, 'audio_file_id' | 'queued'>,
  storage: Storage,
): Promise<void> {
  if (!queued) return;
  const entry = await readEntry(audio_file_id, queued.key, storage);
  if (entry?.etag !== queued.etag) return;
  if (entry.callback_url && !(await hasAskedSince(audio_file_id, entry.written, storage)))
    await requestCallback(audio_file_id, entry.callback_url, storage);
  await leaveQueue({ audio_file_id, queued }, storage);
}

/** Whether a request has named an address to call back since `time`. */
async function hasAskedSince(audioFileId: string, time: Date, { container }: Storage): Promise<boolean> {
  const name = callbackWorkBlob(audioFileId);
  const asked = await storageCallIfThere(name, (bounds) =>
    container.getBlobClient(name).getProperties(bounds),
  );
  return asked?.lastModified !== undefined && asked.lastModified >= time;
}

/** Removes a run from the queue, unless it has become another since. */
export async function leaveQueue(
  { audio_file_id, queued }: Pick<JobInput, 'audio_file_id' | 'queued'>,
  { container }: Storage,
): Promise<void> {
  if (!queued) return;
  const name = queueWorkBlob(audio_file_id, queued.key);
  await unlessChanged(
    storageCall(name, (bounds) =>
      container.getBlobClient(name).deleteIfExists({ ...bounds, conditions: { ifMatch: queued.etag } }),
    ),
  );
}

async function readEntry(
  audioFileId: string,
  key: string,
  { container }: Storage,
): Promise<StoredEntry | undefined> {
  const name = queueWorkBlob(audioFileId, key);
  return await storageCallIfThere(name, async (bounds) => {
    const answer = await container.getBlobClient(name).download(0, undefined, bounds);
    const entry = (await json(answer.readableStreamBody as Readable)) as QueueEntry;
    return { ...entry, etag: answer.etag ?? '', written: answer.lastModified ?? new Date(0) };
  });
}

/** Writes an entry in the place of the one with the ETag `before`; undefined where another came between. */
async function writeEntry(
  entry: QueueEntry,
  key: string,
  before: string | undefined,
  { container }: Storage,
): Promise<string | undefined> {
  const name = queueWorkBlob(entry.job.audio_file_id, key);
  const body = Buffer.from(JSON.stringify(entry));
  const conditions = before ? { ifMatch: before } : { ifNoneMatch: '*' };
  const written = await unlessChanged(
    storageCall(name, (bounds) =>
      container.getBlockBlobClient(name).upload(body, body.length, { ...bounds, conditions }),
    ),
  );
  return written?.etag;
}

/** The answer, or undefined where a condition did not hold. */
async function unlessChanged<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof WorkerError && (error.code === 'blob_changed' || error.code === 'blob_not_found'))
      return undefined;
    throw error;
  }
}
