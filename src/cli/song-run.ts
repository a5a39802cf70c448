import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultDocument } from '../pipeline/contracts.ts';
import { jamsBlob, stemBlob } from '../pipeline/storage/names.ts';
import { idOfBlob } from '../pipeline/storage/upload-id.ts';
import type { Worker } from './worker.ts';

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

/** Uploads one file, follows its run and fetches the results. @throws SongFailed */
export async function runSong(worker: Worker, file: string, options: SongOptions): Promise<SongOutcome> {
  if (!existsSync(file)) throw new SongFailed('There is no such file.');
  const about = await stat(file);
  if (!about.isFile()) throw new SongFailed('That is a folder or a device; name audio files.');
  if (about.size === 0) throw new SongFailed('The file is empty.');
  const id = idOfBlob(options.name + extname(file));
  const blob = worker.container.getBlockBlobClient(`${id}/song${extname(file).toLowerCase()}`);
  const { model, stems } = options;
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
  const folder = resolve(options.out, options.name);
  await fetchResults(worker, id, result, folder);
  return { file, folder, result, stageSeconds: stage_seconds ?? result.stage_seconds };
}

/** Names for the songs' folders: the files' own, told apart by a number where two are alike. */
export function folderNames(files: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return files.map((file) => {
    const name = basename(file, extname(file));
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

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

async function fetchResults(
  worker: Worker,
  id: string,
  result: ResultDocument,
  folder: string,
): Promise<void> {
  await mkdir(join(folder, 'stems'), { recursive: true });
  await fetchBlob(worker, jamsBlob(id), join(folder, 'annotation.jams'));
  for (const { stem_type } of result.stems) {
    await fetchBlob(worker, stemBlob(id, stem_type), join(folder, 'stems', `${stem_type}.wav`));
  }
  await writeFile(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}

async function fetchBlob(worker: Worker, name: string, target: string): Promise<void> {
  const { readableStreamBody } = await worker.container.getBlobClient(name).download();
  await pipeline(readableStreamBody!, createWriteStream(`${target}.partial`));
  await rename(`${target}.partial`, target);
}

async function problemText(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; code?: string };
  return problem.detail
    ? `${problem.detail} [${problem.code}]`
    : `The worker answered with status ${answer.status}.`;
}
