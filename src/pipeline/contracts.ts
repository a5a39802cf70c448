import { z } from 'zod';
import type { Precision } from './config.ts';
import { type ErrorInfo, WorkerError } from './errors.ts';
import { nearestName } from './field-names.ts';

/** Most characters of an `audio_file_id`: the orchestration's own limit. */
export const MAX_ID = 100;
/** Most characters of a request's other fields, and most entries of `stems`. */
const MAX_ADDRESS = { blob: 4096, callback: 2048 };
const MAX_MODEL = 100;
const MAX_STEMS = 16;
const MAX_STEM = 64;
/** Problems of one request that are told. */
const MAX_PROBLEMS = 8;
/** Characters of a name nobody knows that are told. */
const MAX_SHOWN = 64;

const CONTROL_CHARACTERS = /\p{Cc}/u;
/** Text of at most `max` characters on one line. */
const text = (max: number) =>
  z
    .string()
    .min(1, 'expected some text, got none')
    .max(max, `expected at most ${max} characters`)
    .refine((value) => value.isWellFormed() && !CONTROL_CHARACTERS.test(value), {
      message: 'expected text without control characters',
      abort: true,
    });

export const ID_EXPECTED = `expected 1 to ${MAX_ID} letters, digits, ".", "_" or "-", the first of them no dot`;

/** An id names a folder of blobs and an orchestration: letters, digits, `.`, `_` and `-`, not starting with a dot. */
export const audioFileId = z
  .string()
  .regex(new RegExp(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,${MAX_ID - 1}}$`), ID_EXPECTED);

/** Body of `POST /analyze`. */
export const analyzeRequest = z.strictObject({
  audio_file_id: audioFileId,
  blob_uri: text(MAX_ADDRESS.blob),
  callback_url: text(MAX_ADDRESS.callback)
    .pipe(z.url({ protocol: /^https?$/, message: 'expected an http(s) address' }))
    .optional(),
  model: text(MAX_MODEL).optional(),
  stems: z
    .array(text(MAX_STEM))
    .min(1, 'expected at least one stem')
    .max(MAX_STEMS, `expected at most ${MAX_STEMS} stems`)
    .refine((stems) => new Set(stems).size === stems.length, 'expected each stem once')
    .optional(),
});
export type AnalyzeRequest = z.infer<typeof analyzeRequest>;

/** @throws WorkerError `invalid_request`. */
export function parseAudioFileId(text: string): string {
  const parsed = audioFileId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new WorkerError('invalid_request', `audio_file_id: ${parsed.error.issues[0].message}.`);
}

/** @throws WorkerError `invalid_request` that names what is wrong with each field. */
export function parseAnalyzeRequest(body: unknown): AnalyzeRequest {
  const parsed = analyzeRequest.safeParse(body);
  // Zod passes over a field of this name.
  const extra = body instanceof Object && Object.hasOwn(body, '__proto__') ? [unknownField('__proto__')] : [];
  if (parsed.success && extra.length === 0) return parsed.data;
  const problems = (parsed.error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.slice(0, MAX_PROBLEMS).map(unknownField)
      : `${issue.path.join('.') || 'body'}: ${issue.message}.`,
  );
  throw new WorkerError('invalid_request', [...extra, ...problems].slice(0, MAX_PROBLEMS).join(' '));
}

function unknownField(name: string): string {
  const known = Object.keys(analyzeRequest.shape);
  const nearest = nearestName(name.slice(0, MAX_SHOWN), known);
  const remedy = nearest ? `did you mean ${nearest}?` : `known are ${known.join(', ')}.`;
  return `${JSON.stringify(name.slice(0, MAX_SHOWN))}: there is no such field; ${remedy}`;
}

/** The stages of a run, in order; `separate` and `analyze` run side by side. */
export const STAGES = [
  'download',
  'separate',
  'analyze',
  'assemble',
  'upload',
  'callback',
  'cleanup',
] as const;
export type Stage = (typeof STAGES)[number];

/** A version of a blob, as far as it is known. Its content makes it: an ETag changes with the blob's metadata too. */
export interface BlobVersion {
  readonly blob_name: string;
  readonly etag?: string;
  readonly size_bytes?: number;
  /** MD5 as the storage tells it, Base64; it has one of blobs that were uploaded in one piece. */
  readonly content_md5?: string;
  /** SHA-256, hexadecimal. */
  readonly sha256?: string;
}

/** A version of a song's blob and what was asked for it. */
export interface SongRequest extends BlobVersion {
  /** Separator; absent means the configured one. */
  readonly model?: string;
  /** Stems that are wanted; absent means all that the separator has. One alone comes with `no_{stem}`, what it leaves. */
  readonly stems?: readonly string[];
}

/** What starts an orchestration. Without an ETag it is for whichever version of the blob is there. */
export interface JobInput extends SongRequest {
  readonly audio_file_id: string;
  /** How often a stage is tried. */
  readonly attempts: number;
  /** Wait before the second attempt, in ms. */
  readonly retry_ms: number;
  /** Who asked for it; an upload asks by itself. */
  readonly origin: 'request' | 'upload';
  /** Where it waited, if it did: the blob, and the ETag of what it held. */
  readonly queued?: { readonly key: string; readonly etag: string };
  /** The last version of each other blob that runs of this id have had. */
  readonly earlier?: readonly SongRequest[];
}

/** The song as every later stage knows it; `download` gives it. */
export interface SourceInfo {
  readonly audio_file_id: string;
  readonly blob_name: string;
  /** Of the version that the run began with. Later stages read it, or another one of the same content. */
  readonly etag: string;
  readonly size_bytes: number;
  /** The blob's `Content-Encoding`, which is undone before it is decoded. */
  readonly content_encoding?: string;
  /** SHA-256 of the blob, hexadecimal. */
  readonly sha256: string;
  /** Length in frames at 44.1 kHz. */
  readonly frames: number;
  /** The decoder met errors and what it could read was taken. */
  readonly damaged: boolean;
}

/** What made the stems. */
export interface SeparatorInfo {
  readonly model: string;
  /** The model that was asked for. */
  readonly requested: string;
  /** How exactly its networks computed; null where there are none. */
  readonly precision: Precision | null;
  /** Share of a segment that it had in common with the next, 0..0.9; null where segments don't overlap. */
  readonly overlap: number | null;
  /** SHA-256 of each checkpoint that was used, in hex. */
  readonly weights: readonly string[];
}

/** How a song is to be separated: settled once per run. */
export interface SeparationPlan extends SeparatorInfo {
  /** All stems of the result, in order. */
  readonly stems: readonly string[];
  /** The stems pass by pass: each goes through the song with one network. */
  readonly passes: readonly (readonly string[])[];
  /** Those of the stems that the chords are read from; none means the mix. */
  readonly chord_stems: readonly string[];
  readonly stride_frames: number;
  readonly segments: number;
  /** Segments that one separation activity works through. */
  readonly part_segments: number;
  /** Hash of the song's content, model and settings; part of every block id. */
  readonly run: string;
}

/** The plan's account of what makes the stems. */
export function separatorInfo({
  model,
  requested,
  precision,
  overlap,
  weights,
}: SeparatorInfo): SeparatorInfo {
  return { model, requested, precision, overlap, weights };
}

/** Why a run failed: in which stage, and in which attempt (from 1) at it. */
export interface StageError extends ErrorInfo {
  readonly stage: Stage;
  readonly attempt?: number;
}

/** What has become of a run's callback. Only `pending` is followed by another state. */
export type CallbackState = 'not requested' | 'pending' | 'delivered' | 'gone' | 'refused' | 'failed';

/** The callback's part of a status. */
export interface CallbackStatus {
  readonly callback: CallbackState;
  /** Absent where nobody is to be told. */
  readonly callback_delivery?: {
    /** The `webhook-id` of each attempt. */
    readonly message_id: string;
    /** How often it has been tried. */
    readonly attempts: number;
    /** When it is tried again, ISO 8601. */
    readonly next_attempt_at?: string;
    /** Why the last attempt failed. */
    readonly error?: ErrorInfo;
  };
}

/** Custom status of the orchestration. */
export interface Progress extends Partial<CallbackStatus> {
  readonly stage: Stage;
  /** Share of the whole run that is done, 0..1. */
  readonly progress: number;
  readonly plan?: SeparationPlan;
  /** Names the fan-out of a song that is being separated; by it the late stages are found that its last part goes on with. */
  readonly fan_out?: string;
  /** Only the work files are still to be removed. */
  readonly ending?: boolean;
  readonly error?: StageError;
  /** What the run worked on, once it has ended. */
  readonly version?: BlobVersion;
}

/** Output of an orchestration that did not fail. The callback is that of a completed one, as it was when the run ended. */
export interface RunOutput extends Partial<CallbackStatus> {
  readonly status: 'completed' | 'canceled';
  readonly stage_seconds?: Partial<Record<Stage, number>>;
}

/** `analysis` of callback and result, field for field as the Python worker gave it, plus what stands from `mode` on. */
export interface AnalysisResult {
  bpm: number | null;
  key: string | null;
  tuning_frequency: number | null;
  sections: { label: string; start_time: number; end_time: number }[];
  chords: { chord: string; start_time: number; end_time: number }[];
  beats: { time: number; position: number }[];
  mode: 'major' | 'minor' | null;
  meter: string | null;
  /** All keys in their order: more than one where the song modulates. */
  keys: { key: string; start_time: number; end_time: number }[];
  /** Probability, 0..1, that an estimate is right; of beats, chords and sections the share that may be expected to be. */
  confidence: Record<'bpm' | 'key' | 'tuning' | 'meter' | 'beats' | 'chords' | 'sections', number | null>;
}

/** What proves that a file is the one that a result names. */
export interface FileProof {
  file_size_bytes: number;
  /** ETag of the blob when it was published. */
  etag: string;
  /** SHA-256 of the whole file, hexadecimal. Is added right after the result has been written, in the same stage. */
  sha256?: string;
}

export interface StemResult extends FileProof {
  stem_type: string;
  blob_url: string;
}

/**
 * The result document, `{audio_file_id}/analysis/result.json`: written last, so all it names is there. It is taken away
 * before the first of its files is replaced.
 */
export interface ResultDocument {
  audio_file_id: string;
  status: 'completed';
  processing_time_seconds: number;
  analysis: AnalysisResult;
  stems: StemResult[];
  jams_url: string;
  /** The annotation's file. */
  jams: FileProof;
  separator: SeparatorInfo;
  source: {
    blob_name: string;
    etag: string;
    sha256: string;
    size_bytes: number;
    duration_seconds: number;
    damaged: boolean;
  };
  /** Seconds per stage; `separate` and `analyze` run side by side. */
  stage_seconds: Partial<Record<Stage, number>>;
}

/** What a callback posts. */
export type CallbackPayload =
  | ResultDocument
  | {
      audio_file_id: string;
      status: 'failed';
      processing_time_seconds: number;
      error: StageError;
    };
