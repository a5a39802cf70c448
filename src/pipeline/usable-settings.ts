import { requireWorkDir } from './audio/copies/work-dir.ts';
import { ffmpegPaths } from './audio/ffmpeg.ts';
import type { Config } from './config.ts';
import { requireKnownFallback } from './separation/registry.ts';

/**
 * Looks at what only shows where a setting is used: an ffmpeg that isn't there, a folder that can't be written to, a
 * fall-back that nobody knows. Of the storage, `openContainer` tells.
 *
 * @throws WorkerError `misconfigured` that names the first such setting.
 */
export function requireUsableSettings(config: Config): void {
  ffmpegPaths();
  requireWorkDir(config);
  requireKnownFallback(config);
}
