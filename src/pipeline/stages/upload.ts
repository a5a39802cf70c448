import { SAMPLE_RATE } from '../audio/song.ts';
import { type SeparationPlan, type SourceInfo, type Stage, separatorInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import type { UnprovenResult } from '../publication/document.ts';
import { publish } from '../publication/publish.ts';
import { readJson } from '../storage/container.ts';
import { jamsBlob, jamsWorkBlob } from '../storage/names.ts';
import { plainUrl, StagedStem } from '../storage/staged-stem.ts';
import { analysisResult } from './analysis-result.ts';
import { readAnalysis } from './assemble.ts';
import type { StageContext } from './context.ts';

export interface UploadInput {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
  /** From the run's start to this stage. */
  readonly elapsedSeconds: number;
  readonly stageSeconds: Partial<Record<Stage, number>>;
}

/**
 * Publishes stems and annotation and, last of all, the result document that names them. An earlier result stands whole
 * until this one does, but for a moment in which there is none. The same input again finds what is published already.
 */
export async function upload(input: UploadInput, context: StageContext): Promise<void> {
  const { container } = context;
  const { source, plan } = input;
  const id = source.audio_file_id;
  const analysis = await readAnalysis(container, source, plan);
  const jams = await readJson(container, jamsWorkBlob(id, plan.run));
  if (!jams) throw new WorkerError('work_lost', `The annotation of '${id}' is gone from its work blob.`);
  const result: UnprovenResult = {
    audio_file_id: id,
    status: 'completed',
    processing_time_seconds: input.elapsedSeconds,
    analysis: analysisResult(analysis),
    stems: plan.stems.map((stem) => new StagedStem(container, id, stem, plan.run).describe(source.frames)),
    jams_url: plainUrl(container.getBlobClient(jamsBlob(id)).url),
    separator: separatorInfo(plan),
    source: {
      blob_name: source.blob_name,
      etag: source.etag,
      sha256: source.sha256,
      size_bytes: source.size_bytes,
      duration_seconds: source.frames / SAMPLE_RATE,
      damaged: source.damaged,
    },
    stage_seconds: input.stageSeconds,
  };
  await publish({ result, jams, plan, frames: source.frames }, context);
}
