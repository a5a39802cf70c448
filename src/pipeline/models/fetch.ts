import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WorkerError } from '../errors.ts';
import { sha256Of } from './checksum.ts';
import { PartialFile } from './partial-file.ts';
import type { OnProgress } from './progress.ts';
import { inPlainWords, transferFailure } from './transfer-failure.ts';
import { Watchdog } from './watchdog.ts';

/** How often a transfer that got on before it broke is taken up again. */
const RETRIES = 3;
const ANSWER_MS = 15_000;
const STALL_MS = 30_000;
const STATUS = { ok: 200, partialContent: 206, rangeNotSatisfiable: 416 } as const;

export interface ReleasedFile {
  readonly file: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

export interface FetchOptions {
  readonly onProgress?: OnProgress;
  /** Ends the transfer with its reason; what has come stays for the next time. */
  readonly signal?: AbortSignal;
  /** How long the answer may take to begin, in ms. */
  readonly answerMs?: number;
  /** How long nothing may come after that, in ms. */
  readonly stallMs?: number;
}

/**
 * Downloads `wanted` from the folder at `address` into `folder` and gives its path there. What an earlier transfer left
 * is gone on with; a file that is there already is not fetched again.
 *
 * @throws WorkerError `model_unavailable` that tells what was asked for and what came.
 */
export async function fetchFile(
  wanted: ReleasedFile,
  address: string,
  folder: string,
  options: FetchOptions = {},
): Promise<string> {
  const path = join(folder, wanted.file);
  if (existsSync(path) && (await sha256Of(path)) === wanted.sha256) return path;
  const url = addressOf(wanted.file, address);
  const partial = new PartialFile(path);
  if ((await partial.size()) > wanted.bytes) await partial.remove();

  for (let retry = 0; (await partial.size()) < wanted.bytes; retry++) {
    const before = await partial.size();
    try {
      await transfer(wanted, url, partial, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      const gotOn = (await partial.size()) > before;
      if (!gotOn || retry === RETRIES) throw transferFailure(url, inPlainWords(error, url), error);
    }
  }

  const got = await sha256Of(partial.path);
  if (got !== wanted.sha256) {
    await partial.remove();
    throw transferFailure(
      url,
      `the file that came has the SHA-256 ${got}, expected was ${wanted.sha256}; it was removed`,
    );
  }
  await partial.complete();
  return path;
}

/** Adds to the partial file what one connection gives. @throws Error where it breaks, WorkerError where it is of no use. */
async function transfer(
  { file, bytes }: ReleasedFile,
  url: URL,
  partial: PartialFile,
  options: FetchOptions,
): Promise<void> {
  const { onProgress, signal, answerMs = ANSWER_MS, stallMs = STALL_MS } = options;
  using watchdog = new Watchdog();
  const signals = signal ? [signal, watchdog.signal] : [watchdog.signal];
  watchdog.expect(answerMs, `no answer within ${seconds(answerMs)}`);
  const had = await partial.size();
  const answer = await fetch(url, {
    headers: await headersFor(partial, had),
    signal: AbortSignal.any(signals),
  });
  if (answer.status === STATUS.rangeNotSatisfiable && had > 0) {
    await partial.remove();
    return;
  }
  const goesOn = checkAnswer(answer, url, had, bytes);
  let done = goesOn ? had : 0;
  await using target = goesOn ? await partial.goOn() : await partial.startOver(answer.headers.get('etag'));
  watchdog.expect(stallMs, `nothing came for ${seconds(stallMs)}`);
  for await (const piece of answer.body ?? []) {
    done += piece.length;
    if (done > bytes) {
      await partial.remove();
      throw transferFailure(url, `more than the ${bytes} bytes came that the released file has`);
    }
    await target.appendFile(piece);
    onProgress?.({ file, bytes: done, total: bytes });
    watchdog.expect(stallMs, `nothing came for ${seconds(stallMs)}`);
  }
  if (done < bytes) throw new Error(`the transfer ended after ${done} of ${bytes} bytes`);
}

/** Without `identity` a server may compress, and ranges would count the compressed bytes. */
async function headersFor(partial: PartialFile, had: number): Promise<Record<string, string>> {
  if (had === 0) return { 'accept-encoding': 'identity' };
  const etag = await partial.etag();
  return { 'accept-encoding': 'identity', range: `bytes=${had}-`, ...(etag && { 'if-range': etag }) };
}

/** Whether the answer goes on after the first `had` bytes, or else begins anew. @throws WorkerError where it does neither. */
function checkAnswer(answer: Response, url: URL, had: number, bytes: number): boolean {
  const { status, headers } = answer;
  const goesOn = status === STATUS.partialContent && had > 0;
  if (!goesOn && status !== STATUS.ok) throw transferFailure(url, `status ${status}`);
  const range = headers.get('content-range') ?? '';
  if (goesOn && !range.startsWith(`bytes ${had}-`))
    throw transferFailure(url, `asked for the bytes from ${had} on, it gave '${range}'`);
  const announced = goesOn ? range.split('/')[1] : headers.get('content-length');
  if (announced && announced !== '*' && Number(announced) !== bytes)
    throw transferFailure(url, `the file there has ${announced} bytes, the released one ${bytes}`);
  return goesOn;
}

/** A mirror's query, such as a SAS token, stays with the address. */
function addressOf(file: string, folder: string): URL {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${file}`;
  return url;
}

const seconds = (ms: number): string => `${ms / 1000} s`;
