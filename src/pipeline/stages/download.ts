import { createHash } from 'node:crypto';
import { logDecoder } from '../audio/decoder/report.ts';
import { localSong } from '../audio/local-song.ts';
import type { BlobVersion, JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { chooseSeparator, type SeparatorSettings } from '../separation/registry.ts';
import { currentVersion, haveSameContent, type ToldVersion } from '../storage/blob-version.ts';
import type { StageContext } from './context.ts';
import { takeFromQueue } from './queue.ts';
import { noteUnreadable, noteVersion } from './song-version.ts';

export interface DownloadResult {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** Checks the song's blob, decodes it, and settles how it is to be separated. */
export async function download(
  job: Omit<JobInput, 'attempts' | 'retry_ms' | 'origin'>,
  context: StageContext,
): Promise<DownloadResult> {
  const { container, config, signal } = context;
  await takeFromQueue(job, context);
  const separator = chooseSeparator(job.model, job.stems, config);
  const { audio_file_id, blob_name } = job;
  const version = await currentVersion(container, blob_name);
  checkVersion(job, version, config.maxFileBytes);
  await logDecoder(context.log);
  await using song = await localSong(container, { audio_file_id, ...version }, config, signal).catch(
    async (error) => {
      const isOfSong = error instanceof WorkerError && !error.retryable && error.code !== 'blob_changed';
      if (isOfSong && !signal?.aborted) await noteUnreadable(audio_file_id, version, context);
      throw error;
    },
  );
  await noteVersion(audio_file_id, { ...version, sha256: song.sha256 }, context);
  faultPoint('download', 'middle');
  const source: SourceInfo = {
    audio_file_id,
    blob_name,
    etag: version.etag,
    size_bytes: version.size_bytes,
    content_encoding: version.content_encoding,
    sha256: song.sha256,
    frames: song.frames,
    damaged: song.damaged,
  };
  return { source, plan: planSeparation(source, separator) };
}

function checkVersion(asked: BlobVersion, version: ToldVersion, maxFileBytes: number): void {
  const { blob_name, size_bytes } = version;
  if (haveSameContent(asked, version) === false)
    throw new WorkerError('blob_changed', `The blob '${blob_name}' was replaced before its analysis began.`);
  if (size_bytes === 0)
    throw new WorkerError('unsupported_media', `The blob '${blob_name}' is empty. Upload the song again.`);
  if (size_bytes > maxFileBytes) {
    throw new WorkerError(
      'too_large',
      `The blob '${blob_name}' has ${size_bytes} bytes, more than the ${maxFileBytes} that MAX_FILE_MB allows. Send a smaller file or raise the limit.`,
    );
  }
}

function planSeparation({ sha256, frames }: SourceInfo, separator: SeparatorSettings): SeparationPlan {
  const { requested: _, part_segments: __, ...decisive } = separator;
  return {
    ...separator,
    segments: Math.ceil(frames / separator.stride_frames),
    run: createHash('sha256')
      .update(JSON.stringify([sha256, decisive]))
      .digest('hex')
      .slice(0, 16),
  };
}
