import { createHash } from 'node:crypto';
import { localSong } from '../audio/local-song.ts';
import type { JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { createSeparator, resolveModel } from '../separation/registry.ts';
import { strideCount } from '../separation/separator.ts';
import { storageCall } from '../storage/container.ts';
import type { StageContext } from './context.ts';

export interface DownloadResult {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** Checks the song's blob, decodes it, and settles how it is to be separated. */
export async function download(job: JobInput, { container, config }: StageContext): Promise<DownloadResult> {
  const requested = job.model ?? config.model;
  const model = resolveModel(requested, config);
  const { audio_file_id, blob_name } = job;
  const properties = await storageCall(blob_name, () => container.getBlobClient(blob_name).getProperties());
  const size = properties.contentLength ?? 0;
  const etag = properties.etag ?? '';
  if (size === 0)
    throw new WorkerError('unsupported_media', `The blob '${blob_name}' is empty. Upload the song again.`);
  if (size > config.maxFileBytes) {
    throw new WorkerError(
      'too_large',
      `The blob '${blob_name}' has ${size} bytes; MAX_FILE_MB allows ${config.maxFileBytes}. Send a smaller file or raise the limit.`,
    );
  }
  const song = await localSong(container, { audio_file_id, blob_name, etag }, config);
  const source: SourceInfo = {
    audio_file_id,
    blob_name,
    etag,
    size_bytes: size,
    sha256: song.sha256,
    frames: song.frames,
    damaged: song.damaged,
  };
  return { source, plan: await planSeparation(source, model, requested, config.partSegments) };
}

async function planSeparation(
  source: SourceInfo,
  model: string,
  requested: string,
  partSegments: number,
): Promise<SeparationPlan> {
  const separator = createSeparator(model);
  try {
    const identity = JSON.stringify([source.blob_name, source.etag, model, separator.strideFrames]);
    return {
      model,
      requested,
      stems: separator.stems,
      stride_frames: separator.strideFrames,
      segments: strideCount(separator, source.frames),
      part_segments: partSegments,
      run: createHash('sha256').update(identity).digest('hex').slice(0, 16),
    };
  } finally {
    await separator.close();
  }
}
