import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { told } from '../text/told.ts';
import { type AllowedHosts, parseAllowedHosts } from './callback/allowed-hosts.ts';
import { callbackUrlFault } from './callback/callback-address.ts';
import { parseSecrets, secretsWarning } from './callback/secrets.ts';
import { WorkerError } from './errors.ts';

const MEGABYTE = 1_000_000;
/** Memory of this machine that one computing process is reckoned with: HTDemucs takes 1.4 GB, the host its part beside. */
const MEMORY_PER_WORKER = 4e9;
/** Where the models lie unless a setting says otherwise. */
const LOCAL_MODELS = fileURLToPath(new URL('../../.local/models', import.meta.url));
/** With more threads a network gains little; a machine with more processors runs several networks at once. */
const NETWORK_THREADS = 4;
/** With more, a segment would be worked through more than tenfold. */
const MAX_OVERLAP = 0.9;
/** How exactly a network computes: as published, or with its linear layers in 8-bit integers. */
export const PRECISIONS = ['fp32', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];
/** What onnxruntime can compute on. */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];
/** What Azure allows as the name of a container. */
const CONTAINER_NAME = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
/** Longer than a timer can wait (24 days) is no time at all: it would be over at once. */
const MAX_SECONDS = 2_000_000;
/** More processes or threads than any machine has processors for. */
const MAX_PARALLEL = 1024;
const positive = (fallback: number) => z.coerce.number().positive().default(fallback);
const seconds = (fallback: number) => z.coerce.number().positive().max(MAX_SECONDS).default(fallback);
const parallel = z.coerce.number().int().positive().max(MAX_PARALLEL);
const optionalText = z.string().trim().optional();
/** Text that `parse` reads; what that throws is told as what is wrong with the setting. */
const parsedText = <T>(parse: (text: string) => T) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      try {
        return parse(text ?? '');
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    });

/** Computing processes that this machine has processors and memory for. */
function workersHere(): number {
  // Zero where no container limits the memory.
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(availableParallelism(), Math.round(memory / MEMORY_PER_WORKER)));
}

/** The worker's settings, read from environment variables (in Azure: app settings). */
export const settings = z.object({
  BLOB_TRIGGER_SOURCE: z.enum(['LogsAndContainerScan', 'EventGrid']).default('LogsAndContainerScan'),
  AZURE_STORAGE_CONNECTION_STRING: optionalText,
  AZURE_STORAGE_ACCOUNT_URL: optionalText,
  BLOB_CONTAINER_NAME: z
    .string()
    .regex(CONTAINER_NAME, 'expected 3 to 63 lower-case letters, digits and single dashes between them')
    .default('audio-files'),
  DEMUCS_MODEL: z.string().min(1).default('htdemucs'),
  MODEL_FALLBACK: optionalText,
  MODELS_DIR: z.string().default(LOCAL_MODELS),
  MODELS_URL: z.url({ protocol: /^https?$/ }).optional(),
  DEMUCS_OVERLAP: z.coerce.number().min(0).max(MAX_OVERLAP).default(0.25),
  DEMUCS_PRECISION: z.enum(PRECISIONS).default('fp32'),
  ORT_EXECUTION_PROVIDER: z.enum(EXECUTION_PROVIDERS).default('cpu'),
  ORT_THREADS: parallel.optional(),
  CALLBACK_URL: optionalText,
  CALLBACK_SECRET: parsedText(parseSecrets),
  CALLBACK_ALLOWED_HOSTS: parsedText(parseAllowedHosts),
  MAX_FILE_MB: positive(500),
  MAX_DURATION_SECONDS: positive(3600),
  DECODE_TIMEOUT_SECONDS: seconds(600),
  DECODER_MEMORY_MB: positive(1000),
  CALLBACK_TIMEOUT_SECONDS: seconds(30),
  CALLBACK_ATTEMPTS: z.coerce.number().int().positive().default(8),
  CALLBACK_RETRY_SECONDS: seconds(10),
  STAGE_ATTEMPTS: z.coerce.number().int().positive().default(3),
  STAGE_RETRY_SECONDS: seconds(5),
  STAGE_TIMEOUT_SECONDS: seconds(1200),
  WORKERS: parallel.default(workersHere),
  WORKER_MEMORY_MB: positive(3000),
  WORKER_SILENCE_SECONDS: seconds(120),
  SEPARATION_PART_SEGMENTS: z.coerce.number().int().positive().optional(),
  STORAGE_TRIES: z.coerce.number().int().positive().default(5),
  STORAGE_TRY_TIMEOUT_SECONDS: seconds(30),
  STORAGE_RETRY_SECONDS: seconds(0.5),
  MIN_FREE_DISK_MB: z.coerce.number().min(0).default(100),
  WORK_DIR_MAX_MB: z.coerce.number().positive().optional(),
  LOCAL_COPY_MINUTES: z.coerce
    .number()
    .min(0)
    .max(MAX_SECONDS / 60)
    .default(10),
  WORK_DIR: z.string().default(join(tmpdir(), 'music-analysis-worker')),
});

/** How HTDemucs is run. */
export interface NetworkSettings {
  /** Share of a segment that it has in common with the next, 0..0.9. */
  readonly overlap: number;
  readonly precision: Precision;
  readonly executionProvider: ExecutionProvider;
  /** Threads that one network computes with. */
  readonly threads: number;
  /** Networks that compute at once. */
  readonly processes: number;
}

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
  /** Folder of the installed models. */
  readonly modelsDir: string;
  /** A mirror that models are fetched from, in place of their authors' address. */
  readonly modelsUrl?: string;
  readonly network: NetworkSettings;
  /** Where runs that no request asked for report to. */
  readonly callbackUrl?: string;
  /** `whsec_…` secrets, the current one first. */
  readonly callbackSecrets: readonly string[];
  /** Where callbacks may go beside public addresses. */
  readonly callbackAllowedHosts: AllowedHosts;
  readonly callbackTimeoutMs: number;
  /** How often a callback is tried. */
  readonly callbackAttempts: number;
  /** Wait before the second attempt at a callback; each further one is three times as long, and some more at random. */
  readonly callbackRetryMs: number;
  readonly maxFileBytes: number;
  readonly maxDurationSeconds: number;
  readonly decodeTimeoutMs: number;
  /** Memory that the decoder may take. */
  readonly decoderMemoryBytes: number;
  /** How often a stage is tried. */
  readonly stageAttempts: number;
  /** Wait before the second attempt at a stage; before the third it is three times as long. */
  readonly stageRetryMs: number;
  /** Time that one attempt at a stage may take; the host's `functionTimeout` lies above. */
  readonly stageTimeoutMs: number;
  /** Segments that one separation activity works through; unset, the separator's own number. */
  readonly partSegments?: number;
  /** Processes that separate or analyse at once; what comes on top of them waits. */
  readonly workers: number;
  /** Memory that one of them may take. */
  readonly workerMemoryBytes: number;
  /** Time after which one that separates and says nothing counts as hung. */
  readonly workerSilenceMs: number;
  /** How often a request to the storage is tried, and the time that one try may take. */
  readonly storageTries: number;
  readonly storageTryTimeoutMs: number;
  /** Wait before the second try, at least; each further wait is twice as long. */
  readonly storageRetryMs: number;
  /** What stays free on the disk of `workDir`, for the others that write there. */
  readonly minFreeDiskBytes: number;
  /** What all decoded songs in `workDir` may take; unset, three quarters of its disk. */
  readonly workDirMaxBytes?: number;
  /** How long one of them is kept that nobody uses. */
  readonly localCopyMs: number;
  /** Folder for decoded songs; what lies there can always be made again. */
  readonly workDir: string;
  /** What works and should be corrected, in words. */
  readonly warnings: readonly string[];
}

/** Settings that may hold a key, a token or a password, even where they are wrong. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set([
  'AzureWebJobsStorage',
  'AZURE_STORAGE_CONNECTION_STRING',
  'AZURE_STORAGE_ACCOUNT_URL',
  'CALLBACK_URL',
  'CALLBACK_SECRET',
  'MODELS_URL',
]);

/** In words, what is wrong with a setting, and what it holds unless that may be a secret. */
export function wrongSetting(name: string, value: unknown, reason: string): string {
  const held = SECRET_SETTINGS.has(name) ? 'is wrong' : `is '${value}'`;
  return told(`The setting ${name} ${held}: ${reason.replace(/\.$/, '')}. Correct it in the app settings.`);
}

const NAMES = Object.keys(settings.shape);
let latest: { readonly values: string; readonly config: Config } | undefined;

/**
 * An empty variable counts as unset. The same settings give the same object, for every request to the storage reads them.
 *
 * @throws WorkerError `misconfigured` that names every wrong setting and, unless it may be secret, what it holds.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const values = JSON.stringify(NAMES.map((name) => env[name]));
  if (latest?.values !== values) latest = { values, config: parseConfig(env) };
  return latest.config;
}

function parseConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path: [name], message }) =>
      wrongSetting(String(name), env[String(name)], message),
    );
    throw new WorkerError('misconfigured', wrong.join(' '));
  }
  const e = parsed.data;
  const fault = e.CALLBACK_URL && callbackUrlFault(e.CALLBACK_URL, e.CALLBACK_ALLOWED_HOSTS);
  if (fault) throw new WorkerError('misconfigured', wrongSetting('CALLBACK_URL', e.CALLBACK_URL, fault));
  const weakness = secretsWarning(e.CALLBACK_SECRET);
  const cores = availableParallelism();
  // As many processes as were asked for share the processors.
  const threads =
    e.ORT_THREADS ??
    (given.WORKERS ? Math.max(1, Math.floor(cores / e.WORKERS)) : Math.min(cores, NETWORK_THREADS));
  return {
    storage: { connectionString: e.AZURE_STORAGE_CONNECTION_STRING, accountUrl: e.AZURE_STORAGE_ACCOUNT_URL },
    blobTriggerSource: e.BLOB_TRIGGER_SOURCE,
    container: e.BLOB_CONTAINER_NAME,
    model: e.DEMUCS_MODEL,
    modelFallback: e.MODEL_FALLBACK,
    modelsDir: e.MODELS_DIR,
    modelsUrl: e.MODELS_URL,
    network: {
      overlap: e.DEMUCS_OVERLAP,
      precision: e.DEMUCS_PRECISION,
      executionProvider: e.ORT_EXECUTION_PROVIDER,
      threads,
      processes: given.WORKERS ? e.WORKERS : Math.max(1, Math.floor(cores / threads)),
    },
    callbackUrl: e.CALLBACK_URL,
    callbackSecrets: e.CALLBACK_SECRET,
    callbackAllowedHosts: e.CALLBACK_ALLOWED_HOSTS,
    callbackTimeoutMs: e.CALLBACK_TIMEOUT_SECONDS * 1000,
    callbackAttempts: e.CALLBACK_ATTEMPTS,
    callbackRetryMs: e.CALLBACK_RETRY_SECONDS * 1000,
    maxFileBytes: e.MAX_FILE_MB * MEGABYTE,
    maxDurationSeconds: e.MAX_DURATION_SECONDS,
    decodeTimeoutMs: e.DECODE_TIMEOUT_SECONDS * 1000,
    decoderMemoryBytes: e.DECODER_MEMORY_MB * MEGABYTE,
    stageAttempts: e.STAGE_ATTEMPTS,
    stageRetryMs: e.STAGE_RETRY_SECONDS * 1000,
    stageTimeoutMs: e.STAGE_TIMEOUT_SECONDS * 1000,
    workers: e.WORKERS,
    workerMemoryBytes: e.WORKER_MEMORY_MB * MEGABYTE,
    workerSilenceMs: e.WORKER_SILENCE_SECONDS * 1000,
    partSegments: e.SEPARATION_PART_SEGMENTS,
    storageTries: e.STORAGE_TRIES,
    storageTryTimeoutMs: e.STORAGE_TRY_TIMEOUT_SECONDS * 1000,
    storageRetryMs: e.STORAGE_RETRY_SECONDS * 1000,
    minFreeDiskBytes: e.MIN_FREE_DISK_MB * MEGABYTE,
    workDirMaxBytes: e.WORK_DIR_MAX_MB && e.WORK_DIR_MAX_MB * MEGABYTE,
    localCopyMs: e.LOCAL_COPY_MINUTES * 60_000,
    workDir: e.WORK_DIR,
    warnings: weakness ? [wrongSetting('CALLBACK_SECRET', e.CALLBACK_SECRET, weakness)] : [],
  };
}
