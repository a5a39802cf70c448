/**
 * How the storage is asked: each try bounded in time, tries bounded in number, and what fails told to people. The SDK's
 * own retries are off: they bound no try on this side, and don't mend an answer that breaks off in the middle.
 */
import { RestError } from '@azure/storage-blob';
import pRetry from 'p-retry';
import { readConfig } from '../config.ts';
import { WorkerError } from '../errors.ts';
import { refusalOf } from './refusal.ts';

/** What every request of the SDK is given. */
interface TryOptions {
  readonly abortSignal: AbortSignal;
}

/** Each wait before another try over the one before; all are up to twice as long, at random. */
const DELAY_FACTOR = 2;
/** Status codes that stand for a passing trouble: time-out, throttling, and the server's own faults. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Asks the storage, again where the trouble may pass. `ask` is all that belongs to one try, reading the answer included;
 * it can be run again.
 *
 * @throws WorkerError `blob_not_found`, `blob_changed`, `blob_leased` or `storage_unavailable`.
 */
export async function storageCall<T>(blobName: string, ask: (options: TryOptions) => Promise<T>): Promise<T> {
  const { storageTries: tries, storageTryTimeoutMs: timeoutMs, storageRetryMs } = readConfig();
  try {
    return await pRetry(() => oneTry(ask, timeoutMs), {
      retries: tries - 1,
      minTimeout: storageRetryMs,
      factor: DELAY_FACTOR,
      randomize: true,
      shouldRetry: ({ error }) => mayPass(error),
    });
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    throw mayPass(error) ? unavailable(error, blobName, tries) : refusalOf(error as RestError, blobName);
  }
}

/** `storageCall`, with `undefined` where there is no such blob. */
export async function storageCallIfThere<T>(
  blobName: string,
  ask: (options: TryOptions) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await storageCall(blobName, ask);
  } catch (error) {
    if (error instanceof WorkerError && error.code === 'blob_not_found') return undefined;
    throw error;
  }
}

/** Whether a request was refused because its blob is not, or not any more, as the request's conditions want it. */
export function isConflict(error: unknown): boolean {
  const cause = error instanceof WorkerError ? error.cause : error;
  return (
    cause instanceof RestError && (cause.code === 'ConditionNotMet' || cause.code === 'BlobAlreadyExists')
  );
}

async function oneTry<T>(ask: (options: TryOptions) => Promise<T>, timeoutMs: number): Promise<T> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  try {
    return await ask({ abortSignal });
  } catch (error) {
    if (!abortSignal.aborted) throw error;
    throw new Error(`no answer within the ${timeoutMs / 1000} s that STORAGE_TRY_TIMEOUT_SECONDS allows`, {
      cause: error,
    });
  }
}

/** An answer that refuses is final. What else goes wrong lies in the connection: no answer, half of one, a garbled one. */
function mayPass(error: unknown): boolean {
  if (error instanceof WorkerError) return false;
  const status = error instanceof RestError ? (error.statusCode ?? 0) : 0;
  return status < 400 || PASSING.has(status);
}

function unavailable(error: unknown, blobName: string, tries: number): WorkerError {
  return new WorkerError(
    'storage_unavailable',
    `The storage failed for the blob '${blobName}' in each of the ${tries} tries that STORAGE_TRIES allows: ${inWords(error)}.`,
    { cause: error },
  );
}

function inWords(error: unknown): string {
  if (error instanceof RestError && error.statusCode)
    return `status ${error.statusCode} (${error.code ?? 'no code'})`;
  return error instanceof Error ? error.message : String(error);
}
