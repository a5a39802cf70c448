/** The ffmpeg programs of this machine. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { wrongSetting } from '../config.ts';
import { WorkerError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * The ffmpeg programs that are here, the ones to prefer first: `FFMPEG_PATH` alone where it is set, else those on the
 * `PATH` and of the `@ffmpeg-installer` package.
 *
 * @throws WorkerError `misconfigured` where `FFMPEG_PATH` names no program.
 */
export function ffmpegPaths(env: NodeJS.ProcessEnv = process.env): string[] {
  if (env.FFMPEG_PATH) {
    const fault = programFault(env.FFMPEG_PATH);
    if (!fault) return [env.FFMPEG_PATH];
    throw new WorkerError('misconfigured', wrongSetting('FFMPEG_PATH', env.FFMPEG_PATH, fault));
  }
  return [onPath(env.PATH ?? ''), installed()].filter((path) => path !== undefined);
}

/** An ffmpeg program, for those who need one to write a file with. @throws WorkerError `internal` where there is none. */
export function ffmpegPath(env: NodeJS.ProcessEnv = process.env): string {
  const [path] = ffmpegPaths(env);
  if (path) return path;
  throw new WorkerError('internal', 'No ffmpeg was found. Install one, or set FFMPEG_PATH to its path.');
}

function programFault(path: string): string | undefined {
  const about = statSync(path, { throwIfNoEntry: false });
  if (!about) return 'there is no such file';
  if (!about.isFile()) return 'that is no file, and the ffmpeg program is wanted';
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'that file may not be run';
  }
}

function onPath(path: string): string | undefined {
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** The package has no program for some platforms, and throws there. */
function installed(): string | undefined {
  try {
    const { path } = require('@ffmpeg-installer/ffmpeg') as { path: string };
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
