import { SAMPLE_RATE } from '../audio/song.ts';
import {
  type ResultDocument,
  type SeparationPlan,
  type SourceInfo,
  type Stage,
  separatorInfo,
} from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { readJson, writeJson } from '../storage/container.ts';
import { jamsBlob, jamsWorkBlob, resultBlob } from '../storage/names.ts';
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

/** Publishes stems and annotation and, last of all, the result document that names them. */
export async function upload(input: UploadInput, { container }: StageContext): Promise<void> {
  const { source, plan } = input;
  const id = source.audio_file_id;
  const analysis = await readAnalysis(container, source, plan);
  const jams = await readJson(container, jamsWorkBlob(id, plan.run));
  if (!jams) throw new WorkerError('work_lost', `The annotation of '${id}' is gone from its work blob.`);
  const stems = await Promise.all(
    plan.stems.map((stem) => new StagedStem(container, id, stem, plan.run).commit(plan, source.frames)),
  );
  faultPoint('upload', 'middle');
  await writeJson(container, jamsBlob(id), jams);
  await writeJson(container, resultBlob(id), {
    audio_file_id: id,
    status: 'completed',
    processing_time_seconds: input.elapsedSeconds,
    analysis: analysisResult(analysis),
    stems,
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
  } satisfies ResultDocument);
}
