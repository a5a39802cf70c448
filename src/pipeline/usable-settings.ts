import { requireWorkDir } from './audio/copies/work-dir.ts';
import { ffmpegPaths } from './audio/ffmpeg.ts';
import type { Config } from './config.ts';
import { requireKnownFallback } from './separation/registry.ts';
import { openContainer } from './storage/container.ts';

/**
 * Looks at what only shows where a setting is used: a storage that can't be one, an ffmpeg that isn't there, a folder that
 * can't be written to, a fall-back that nobody knows.
 *
 * @throws WorkerError `misconfigured` that names the first such setting.
 */
export function requireUsableSettings(config: Config): void {
  openContainer(config);
  ffmpegPaths();
  requireWorkDir(config);
  requireKnownFallback(config);
}
