import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noise } from '../../scripts/synth/instruments.ts';
import { ffmpegPath } from '../../src/pipeline/audio/ffmpeg.ts';

/** A folder of a test's own for audio files. */
export class AudioFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'audio-'));

  at(name: string): string {
    return join(this.path, name);
  }

  /** Has ffmpeg write a file of what a source of its lavfi device gives. */
  make(name: string, source: string, output: readonly string[] = []): string {
    const path = this.at(name);
    execFileSync(ffmpegPath(), ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...output, path]);
    return path;
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.at(name), content);
    return this.at(name);
  }

  /** A copy of a file with what `change` makes of its bytes, or has done to them. */
  changed(name: string, source: string, change: (bytes: Buffer) => unknown): string {
    const bytes = readFileSync(source);
    const made = change(bytes);
    return this.write(name, made instanceof Uint8Array ? made : bytes);
  }

  folder(name: string): string {
    mkdirSync(this.at(name), { recursive: true });
    return this.at(name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Silence that hardly takes any room: 8 kHz, mono, in frames as long as FLAC has them. */
export const LONG_SILENCE = {
  source: 'anullsrc=r=8000:cl=mono',
  output: (seconds: number) => [
    '-t',
    `${seconds}`,
    '-c:a',
    'flac',
    '-compression_level',
    '0',
    '-frame_size',
    '65535',
  ],
};

/** The samples of a decoded file, left and right interleaved. */
export function samplesOf(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** The greatest absolute value; NaN where one is no number. */
export const peakOf = (samples: Float32Array): number =>
  samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);

/** Turns `count` random bits over, the same for the same seed, in the bytes from `from` on. */
export function flipBits(bytes: Buffer, count: number, seed: number, from = 0): void {
  const random = noise(seed);
  const below = (end: number) => Math.min(end - 1, Math.floor(((random() + 1) / 2) * end));
  for (let i = 0; i < count; i++) bytes[from + below(bytes.length - from)] ^= 1 << below(8);
}
