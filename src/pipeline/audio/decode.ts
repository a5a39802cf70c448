import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WorkerError } from '../errors.ts';
import { isCutOff } from './cut-off.ts';
import { ensureSpace } from './disk-space.ts';
import { type FfmpegEnd, runFfmpeg } from './ffmpeg.ts';
import { type AudioDescription, inputOf, probe, unsupported } from './probe.ts';
import { SampleGuard } from './sample-guard.ts';
import { CHANNELS, FRAME_BYTES, SAMPLE_RATE } from './song.ts';

export interface DecodeLimits {
  /** Longest song in seconds; decoding stops as soon as it is passed. */
  readonly maxDurationSeconds: number;
  /** Longest time that decoding may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What must stay free on the disk, in bytes; 0 unless given. */
  readonly minFreeDiskBytes?: number;
  /** Makes room for so many bytes, before they are written. */
  readonly makeRoom?: (bytes: number) => Promise<void>;
}

export interface DecodedFile {
  /** Length in frames at 44.1 kHz. */
  readonly frames: number;
  /** Something is missing or wrong in the file; what could be read was taken. */
  readonly damaged: boolean;
}

/** Seconds that a whole file may lack of its promised length: what encoders put before and behind the sound. */
const PADDING = 0.25;

/**
 * Decodes any audio file to raw stereo float32 at 44.1 kHz. Mono is doubled at its own level. More than two channels are
 * mixed down after ITU-R BS.775 (the front ones in full, centre and surround at -3 dB, no LFE), all of it lowered so that
 * channels at full scale give full scale. `target` appears only when it is complete.
 *
 * @throws WorkerError `unsupported_media`, `too_long`, `disk_full`, `timed_out`, `interrupted` or `compute_crashed`.
 */
export async function decode(source: string, target: string, limits: DecodeLimits): Promise<DecodedFile> {
  const { maxDurationSeconds, timeoutMs, minFreeDiskBytes = 0 } = limits;
  const audio = await probe(source, timeoutMs);
  const seconds = Math.min(audio.duration ?? maxDurationSeconds, maxDurationSeconds);
  const bytes = seconds * SAMPLE_RATE * FRAME_BYTES;
  await limits.makeRoom?.(bytes);
  await ensureSpace(dirname(target), bytes, minFreeDiskBytes);

  const maxFrames = Math.ceil(maxDurationSeconds * SAMPLE_RATE);
  const guard = new SampleGuard(maxFrames, () => tooLong(maxDurationSeconds));
  const partial = `${target}.${process.pid}.partial`;
  const sink = createWriteStream(partial);
  const ffmpeg = runFfmpeg(['-v', 'error', ...inputOf(source), ...outputOf(audio)], timeoutMs);
  try {
    const [end] = await Promise.all([ffmpeg.ended, pipeline(ffmpeg.stdout, guard, sink)]);
    if (guard.frames === 0) throw unsupported(end.words, true);
    const damaged = guard.replaced > 0 || isDamaged(end, guard.frames, audio) || (await isCutOff(source));
    await rename(partial, target);
    return { frames: guard.frames, damaged };
  } catch (error) {
    ffmpeg.kill();
    if (!sink.closed) await new Promise<void>((resolve) => sink.destroy().once('close', resolve));
    await rm(partial, { force: true });
    throw error;
  }
}

function outputOf({ isMono }: AudioDescription): string[] {
  const mix = isMono ? 'pan=stereo|c0=c0|c1=c0' : 'aresample=rematrix_maxval=1';
  const stereo = ['-af', mix, '-ac', String(CHANNELS), '-ar', String(SAMPLE_RATE)];
  return ['-map', '0:a:0', '-vn', '-sn', '-dn', ...stereo, '-f', 'f32le', 'pipe:1'];
}

function isDamaged(
  { words, succeeded }: FfmpegEnd,
  frames: number,
  { promised = 0 }: AudioDescription,
): boolean {
  // Of what it writes itself, ffmpeg complains where streams follow one another.
  const complaints = words.split('\n').filter((line) => line && !line.startsWith('[f32le @'));
  return !succeeded || complaints.length > 0 || frames / SAMPLE_RATE < promised - PADDING;
}

function tooLong(maxSeconds: number): WorkerError {
  return new WorkerError(
    'too_long',
    `The song is longer than ${maxSeconds} s, the limit that MAX_DURATION_SECONDS sets. Shorten it or raise the limit.`,
  );
}
