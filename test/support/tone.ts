import { execFileSync } from 'node:child_process';
import { ffmpegPath } from '../../src/pipeline/audio/ffmpeg.ts';

/** Has ffmpeg write a file of a sine tone; the ending of `path` names the format. */
export function writeTone(
  path: string,
  options: { seconds?: number; frequency?: number; output?: string[] } = {},
): void {
  const { seconds = 1, frequency = 440, output = [] } = options;
  const input = `sine=frequency=${frequency}:duration=${seconds}:sample_rate=44100`;
  execFileSync(ffmpegPath(), ['-v', 'error', '-y', '-f', 'lavfi', '-i', input, ...output, path]);
}
