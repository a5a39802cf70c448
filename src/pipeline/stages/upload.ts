import { SAMPLE_RATE } from '../audio/song.ts';
import {
  type AnalysisResult,
  type ResultDocument,
  type SeparationPlan,
  type SourceInfo,
  type Stage,
  separatorInfo,
} from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { BPM_DECIMALS, CONFIDENCE_DECIMALS, TUNING_DECIMALS } from '../jams/assemble.ts';
import type { Analysis } from '../mir/analysis.ts';
import { round, toTime } from '../round.ts';
import { readJson, writeJson } from '../storage/container.ts';
import { jamsBlob, jamsWorkBlob, resultBlob } from '../storage/names.ts';
import { plainUrl, StagedStem } from '../storage/staged-stem.ts';
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

/** An analysis in the contract's words. */
export function analysisResult(analysis: Analysis): AnalysisResult {
  const { tempo, key, tuning, meter } = analysis;
  return {
    bpm: round(tempo?.bpm ?? null, BPM_DECIMALS),
    key: key && `${key.tonic} ${key.mode}`,
    tuning_frequency: round(tuning?.frequency ?? null, TUNING_DECIMALS),
    sections: analysis.sections.map(({ label, start, end }) => ({
      label,
      start_time: toTime(start),
      end_time: toTime(end),
    })),
    chords: analysis.chords.map(({ label, start, end }) => ({
      chord: label,
      start_time: toTime(start),
      end_time: toTime(end),
    })),
    beats: analysis.beats.map(({ time, position }) => ({ time: toTime(time), position })),
    mode: key?.mode ?? null,
    meter: meter && `${meter.count}/${meter.unit}`,
    confidence: {
      bpm: round(tempo?.confidence ?? null, CONFIDENCE_DECIMALS),
      key: round(key?.confidence ?? null, CONFIDENCE_DECIMALS),
      tuning: round(tuning?.confidence ?? null, CONFIDENCE_DECIMALS),
    },
  };
}
