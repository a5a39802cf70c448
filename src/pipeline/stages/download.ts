import { createHash } from 'node:crypto';
import { localSong } from '../audio/local-song.ts';
import type { JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { chooseSeparator, type SeparatorSettings } from '../separation/registry.ts';
import { propertiesOf } from '../storage/container.ts';
import type { StageContext } from './context.ts';

export interface DownloadResult {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** Checks the song's blob, decodes it, and settles how it is to be separated. */
export async function download(
  job: Omit<JobInput, 'attempts' | 'retry_ms'>,
  { container, config }: StageContext,
): Promise<DownloadResult> {
  const separator = chooseSeparator(job.model ?? config.model, job.stems, config);
  const { audio_file_id, blob_name } = job;
  const properties = await propertiesOf(container, blob_name);
  const size = properties.contentLength ?? 0;
  const etag = properties.etag ?? '';
  if (job.etag && job.etag !== etag)
    throw new WorkerError('blob_changed', `The blob '${blob_name}' was replaced before its analysis began.`);
  if (size === 0)
    throw new WorkerError('unsupported_media', `The blob '${blob_name}' is empty. Upload the song again.`);
  if (size > config.maxFileBytes) {
    throw new WorkerError(
      'too_large',
      `The blob '${blob_name}' has ${size} bytes, more than the ${config.maxFileBytes} that MAX_FILE_MB allows. Send a smaller file or raise the limit.`,
    );
  }
  const song = await localSong(container, { audio_file_id, blob_name, etag, size_bytes: size }, config);
  faultPoint('download', 'middle');
  const source: SourceInfo = {
    audio_file_id,
    blob_name,
    etag,
    size_bytes: size,
    sha256: song.sha256,
    frames: song.frames,
    damaged: song.damaged,
  };
  return { source, plan: planSeparation(source, separator) };
}

function planSeparation(
  { blob_name, etag, frames }: SourceInfo,
  separator: SeparatorSettings,
): SeparationPlan {
  const { requested: _, part_segments: __, ...decisive } = separator;
  return {
    ...separator,
    segments: Math.ceil(frames / separator.stride_frames),
    run: createHash('sha256')
      .update(JSON.stringify([blob_name, etag, decisive]))
      .digest('hex')
      .slice(0, 16),
  };
}
