import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultDocument } from '../pipeline/contracts.ts';
import { jamsBlob, stemBlob } from '../pipeline/storage/names.ts';
import { ANNOTATION, localResult, replaceResults, stemPath } from './result-folder.ts';
import type { Worker } from './worker.ts';

/** Of an id: as much of the file's name as it shows, and of the hash of its path, in hexadecimal digits. */
const READABLE_LENGTH = 60;
const HASH_LENGTH = 12;
/** How often a run's status is asked for. */
const POLL_MS = 500;

/** What a status answer holds. */
export interface RunStatus {
  readonly status: 'queued' | 'processing' | 'completed' | 'failed' | 'canceled';
  readonly stage?: string;
  /** 0..1. */
  readonly progress?: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** Seconds that each stage took; what came after the result was written is among them. */
  readonly stage_seconds?: ResultDocument['stage_seconds'];
  readonly result?: ResultDocument;
}

/** A finished song: where its files lie, and its result. */
export interface SongOutcome {
  readonly file: string;
  readonly folder: string;
  readonly result: ResultDocument;
  readonly stageSeconds: ResultDocument['stage_seconds'];
}

/** A song that could not be analysed, with a message for people. */
export class SongFailed extends Error {}

export interface SongOptions {
  readonly out: string;
  /** Name of the folder below `out`. */
  readonly name: string;
  readonly model?: string;
  readonly stems?: readonly string[];
  readonly onStatus: (status: RunStatus) => void;
}

/**
 * Uploads one file, follows its run and puts the results into its folder, in place of earlier ones.
 *
 * @throws SongFailed
 */
export async function runSong(
  worker: Pick<Worker, 'url' | 'container'>,
  file: string,
  options: SongOptions,
): Promise<SongOutcome> {
  const { model, stems, name } = options;
  const id = idOf(file, name);
  const blob = worker.container.getBlockBlobClient(`${id}/song${endingOf(file)}`);
  // The upload alone may start the run, before the request does.
  await blob.uploadFile(file, {
    metadata: { audio_file_id: id, ...(model && { model }), ...(stems && { stems: stems.join() }) },
  });
  const answer = await fetch(`${worker.url}/analyze`, {
    method: 'POST',
    body: JSON.stringify({ audio_file_id: id, blob_uri: blob.url, model, stems }),
  });
  if (answer.status !== 202) throw new SongFailed(await problemText(answer));
  const { result, stage_seconds } = await follow(answer.headers.get('location')!, options.onStatus);
  const folder = resolve(options.out, name);
  await replaceResults(
    folder,
    [
      { path: ANNOTATION, write: (target) => fetchBlob(worker, jamsBlob(id), target) },
      ...result.stems.map(({ stem_type, file_size_bytes }) => ({
        path: stemPath(stem_type),
        write: (target: string) => fetchBlob(worker, stemBlob(id, stem_type), target, file_size_bytes),
      })),
    ],
    localResult(result, file, (path) => path),
  );
  return { file, folder, result, stageSeconds: stage_seconds ?? result.stage_seconds };
}

/** The same for the same file in every run, another one for every other file, and readable. */
function idOf(file: string, name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, READABLE_LENGTH);
  const hash = createHash('sha256').update(resolve(file)).digest('hex').slice(0, HASH_LENGTH);
  return `${plain}-${hash}`;
}

/** A file's ending, where it is one: it becomes part of a blob's name. */
const endingOf = (file: string): string => /\.[a-z0-9]{1,8}$/.exec(extname(file).toLowerCase())?.[0] ?? '';

async function follow(
  location: string,
  onStatus: SongOptions['onStatus'],
): Promise<RunStatus & { result: ResultDocument }> {
  for (;;) {
    const answer = await fetch(location);
    if (!answer.ok) throw new SongFailed(await problemText(answer));
    const status = (await answer.json()) as RunStatus;
    onStatus(status);
    const { result } = status;
    if (status.status === 'completed' && result) return { ...status, result };
    if (status.status === 'failed' || status.status === 'canceled') {
      throw new SongFailed(
        status.error ? `${status.error.message} [${status.error.code}]` : `The run was ${status.status}.`,
      );
    }
    await sleep(POLL_MS);
  }
}

async function fetchBlob(
  { container }: Pick<Worker, 'container'>,
  name: string,
  target: string,
  size?: number,
): Promise<void> {
  const { readableStreamBody } = await container.getBlobClient(name).download();
  await pipeline(readableStreamBody!, createWriteStream(target));
  const got = (await stat(target)).size;
  if (size !== undefined && got !== size)
    throw new SongFailed(`The blob '${name}' has ${got} bytes, and the result tells of ${size}. Try again.`);
}

async function problemText(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; code?: string };
  return problem.detail
    ? `${problem.detail} [${problem.code}]`
    : `The worker answered with status ${answer.status}.`;
}
