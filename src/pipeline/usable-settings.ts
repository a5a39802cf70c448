import { requireWorkDir } from './audio/copies/work-dir.ts';
import { chooseDecoder } from './audio/decoder/choose.ts';
import type { Config } from './config.ts';
import { requireKnownFallback } from './separation/registry.ts';

/**
 * Looks at what only shows where a setting is used: an ffmpeg that isn't there or is none, a folder that can't be written
 * to, a fall-back that nobody knows. Of the storage, `openContainer` tells.
 *
 * @throws WorkerError `misconfigured` that names the first such setting.
 */
export async function requireUsableSettings(config: Config): Promise<void> {
  if (process.env.FFMPEG_PATH) await chooseDecoder();
  requireWorkDir(config);
  requireKnownFallback(config);
}
