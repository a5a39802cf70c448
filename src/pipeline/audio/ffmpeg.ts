import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { WorkerError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * The ffmpeg to decode with: `FFMPEG_PATH`, the `ffmpeg-static` package, the `PATH`, the `@ffmpeg-installer` package.
 *
 * @throws WorkerError `internal` where none of them is there.
 */
export function ffmpegPath(env: NodeJS.ProcessEnv = process.env): string {
  const candidates = [
    () => env.FFMPEG_PATH,
    () => require('ffmpeg-static') as string | null,
    () => onPath(env.PATH ?? ''),
    () => (require('@ffmpeg-installer/ffmpeg') as { path: string }).path,
  ];
  if (env.FFMPEG_PATH && !existsSync(env.FFMPEG_PATH)) {
    throw new WorkerError('internal', `FFMPEG_PATH names ${env.FFMPEG_PATH}, where there is no file.`);
  }
  for (const candidate of candidates) {
    const path = attempt(candidate);
    if (path && existsSync(path)) return path;
  }
  throw new WorkerError('internal', 'No ffmpeg was found. Install one, or set FFMPEG_PATH to its path.');
}

function onPath(path: string): string | undefined {
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** An optional package that is not installed is no candidate. */
function attempt(candidate: () => string | null | undefined): string | null | undefined {
  try {
    return candidate();
  } catch {
    return undefined;
  }
}
