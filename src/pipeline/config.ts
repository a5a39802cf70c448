import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { WorkerError } from './errors.ts';

const MEGABYTE = 1_000_000;
const positive = (fallback: number) => z.coerce.number().positive().default(fallback);
const optionalText = z.string().trim().optional();

/** The worker's settings, read from environment variables (in Azure: app settings). */
const environment = z.object({
  BLOB_TRIGGER_SOURCE: z.enum(['LogsAndContainerScan', 'EventGrid']).default('LogsAndContainerScan'),
  AZURE_STORAGE_CONNECTION_STRING: optionalText,
  AZURE_STORAGE_ACCOUNT_URL: optionalText,
  BLOB_CONTAINER_NAME: z.string().min(3).default('audio-files'),
  DEMUCS_MODEL: z.string().min(1).default('htdemucs'),
  MODEL_FALLBACK: optionalText,
  CALLBACK_URL: optionalText,
  CALLBACK_SECRET: optionalText,
  MAX_FILE_MB: positive(500),
  MAX_DURATION_SECONDS: positive(3600),
  DECODE_TIMEOUT_SECONDS: positive(600),
  CALLBACK_TIMEOUT_SECONDS: positive(30),
  WORKERS: z.coerce.number().int().positive().default(availableParallelism()),
  SEPARATION_PART_SEGMENTS: z.coerce.number().int().positive().default(12),
  WORK_DIR: z.string().default(join(tmpdir(), 'music-analysis-worker')),
});

export interface Config {
  readonly storage: { readonly connectionString?: string; readonly accountUrl?: string };
  /** How the host learns of new blobs; Flex Consumption plans know `EventGrid` only. */
  readonly blobTriggerSource: 'LogsAndContainerScan' | 'EventGrid';
  /** Container of songs and results. */
  readonly container: string;
  /** Separator that a song gets unless its request names another. */
  readonly model: string;
  /** Separator to go on with where `model` is not there; unset (as in Azure) that is an error. */
  readonly modelFallback?: string;
  /** Where runs that no request asked for report to. */
  readonly callbackUrl?: string;
  /** `whsec_…` secrets, the current one first. */
  readonly callbackSecrets: readonly string[];
  readonly callbackTimeoutMs: number;
  readonly maxFileBytes: number;
  readonly maxDurationSeconds: number;
  readonly decodeTimeoutMs: number;
  /** Strides that one separation activity works through. */
  readonly partSegments: number;
  /** Processes that separate or analyse at once; what comes on top of them waits. */
  readonly workers: number;
  /** Folder for decoded songs; what lies there can always be made again. */
  readonly workDir: string;
}

/**
 * An empty variable counts as unset.
 *
 * @throws WorkerError `invalid_request` that names the setting and what it holds.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = issue.path.join('.');
    throw new WorkerError(
      'invalid_request',
      `The setting ${name} is '${env[name]}': ${issue.message}. Correct it in the app settings.`,
    );
  }
  const e = parsed.data;
  return {
    storage: { connectionString: e.AZURE_STORAGE_CONNECTION_STRING, accountUrl: e.AZURE_STORAGE_ACCOUNT_URL },
    blobTriggerSource: e.BLOB_TRIGGER_SOURCE,
    container: e.BLOB_CONTAINER_NAME,
    model: e.DEMUCS_MODEL,
    modelFallback: e.MODEL_FALLBACK,
    callbackUrl: e.CALLBACK_URL,
    callbackSecrets: e.CALLBACK_SECRET?.split(/[\s,]+/).filter(Boolean) ?? [],
    callbackTimeoutMs: e.CALLBACK_TIMEOUT_SECONDS * 1000,
    maxFileBytes: e.MAX_FILE_MB * MEGABYTE,
    maxDurationSeconds: e.MAX_DURATION_SECONDS,
    decodeTimeoutMs: e.DECODE_TIMEOUT_SECONDS * 1000,
    workers: e.WORKERS,
    partSegments: e.SEPARATION_PART_SEGMENTS,
    workDir: e.WORK_DIR,
  };
}
