import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WorkerError } from '../errors.ts';
import { Deadline } from './deadline.ts';
import { chooseDecoder } from './decoder/choose.ts';
import { ensureSpace } from './disk-space.ts';
import { decodePart } from './part.ts';
import { probe, unsupported } from './probe.ts';
import { SampleGuard } from './sample-guard.ts';
import { FRAME_BYTES, SAMPLE_RATE } from './song.ts';
import { framesOf } from './source/evidence.ts';
import { prepareSource } from './source/prepare.ts';

export interface DecodeLimits {
  /** Longest song in seconds; decoding stops as soon as it is passed. */
  readonly maxDurationSeconds: number;
  /** Longest time that decoding may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What must stay free on the disk, in bytes; 0 unless given. */
  readonly minFreeDiskBytes?: number;
  /** Makes room for so many bytes, before they are written. */
  readonly makeRoom?: (bytes: number) => Promise<void>;
  /** Memory that the decoder may take, in bytes; a gigabyte unless given. */
  readonly memoryBytes?: number;
  /** Ends the decoding at once, with its reason. */
  readonly signal?: AbortSignal;
}

export interface DecodedFile {
  /** Length in frames at 44.1 kHz. */
  readonly frames: number;
  /** Something is missing or wrong in the file; what could be read was taken. */
  readonly damaged: boolean;
}

const GIGABYTE = 1e9;

/**
 * Decodes any audio file to raw stereo float32 at 44.1 kHz, mixed down as `mixFilter` says. Time in the result is the
 * file's own: sound that begins late in its container, or pauses there, has silence before it. `target` appears only when
 * it is complete.
 *
 * @throws WorkerError `unsupported_media`, `too_long`, `disk_full`, `timed_out`, `out_of_memory`, `interrupted` or
 * `compute_crashed`; or the signal's reason.
 */
export async function decode(source: string, target: string, limits: DecodeLimits): Promise<DecodedFile> {
  using deadline = new Deadline(limits.timeoutMs, limits.signal);
  const { signal } = deadline;
  const partial = `${target}.${process.pid}.partial`;
  const corrected = `${target}.${process.pid}.corrected.partial`;
  try {
    const decoded = await decodeTo(partial, source, corrected, { ...limits, signal });
    await rename(partial, target);
    return decoded;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    for (const file of [partial, corrected]) await rm(file, { force: true });
  }
}

async function decodeTo(
  partial: string,
  source: string,
  corrected: string,
  limits: DecodeLimits & { readonly signal: AbortSignal },
): Promise<DecodedFile> {
  const { maxDurationSeconds: maxSeconds, minFreeDiskBytes = 0, memoryBytes = GIGABYTE, signal } = limits;
  const decoder = await chooseDecoder();
  const prepared = await prepareSource(source, corrected, minFreeDiskBytes);
  const probed = await probe(decoder, prepared.parts[0], { memoryBytes, signal });
  const frames = await framesOf(source, probed.format);
  // Tags behind the sound make some decoders lose the last frame.
  const parts = frames ? [{ path: source, range: { start: 0, end: frames.end } }] : prepared.parts;
  const seconds = Math.min(probed.duration ?? maxSeconds, maxSeconds);
  const bytes = seconds * SAMPLE_RATE * FRAME_BYTES;
  await limits.makeRoom?.(bytes);
  await ensureSpace(dirname(partial), bytes, minFreeDiskBytes);

  let damaged = prepared.isDamaged || frames?.isCut === true;
  let words = '';
  async function* samples(): AsyncGenerator<Buffer> {
    for (const part of parts) {
      const audio = part === parts[0] ? probed : await probe(decoder, part, { memoryBytes, signal });
      const task = { part, audio, source: prepared, isWhole: frames?.isWhole === true, maxSeconds };
      const end = yield* decodePart(decoder, task, { memoryBytes, signal });
      damaged ||= end.damaged;
      words += end.words;
    }
  }
  const guard = new SampleGuard(Math.ceil(maxSeconds * SAMPLE_RATE), () => tooLong(maxSeconds));
  await pipeline(samples(), guard, createWriteStream(partial), { signal });
  if (guard.frames === 0) throw unsupported(words, true);
  return { frames: guard.frames, damaged: damaged || guard.replaced > 0 };
}

function tooLong(maxSeconds: number): WorkerError {
  return new WorkerError(
    'too_long',
    `The song is longer than ${maxSeconds} s, the limit that MAX_DURATION_SECONDS sets. Shorten it or raise the limit.`,
  );
}
