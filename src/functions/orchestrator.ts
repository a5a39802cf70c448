/** The run of one song: its stages in order, separation fanned out in parts beside the analysis. */
import type { OrchestrationContext, Task } from 'durable-functions';
import * as df from 'durable-functions';
import type {
  CallbackPayload,
  JobInput,
  Progress,
  RunOutput,
  SeparationPlan,
  SourceInfo,
  Stage,
} from '../pipeline/contracts.ts';
import { round } from '../pipeline/round.ts';
import type { CallbackInput } from '../pipeline/stages/callback.ts';
import type { CleanupInput, CleanupResult } from '../pipeline/stages/cleanup.ts';
import type { DownloadResult } from '../pipeline/stages/download.ts';
import { separationParts } from '../pipeline/stages/separate.ts';
import { earlierAfter } from '../pipeline/stages/song-version.ts';
import type { UploadInput } from '../pipeline/stages/upload.ts';
import { ORCHESTRATION, type StageOutcome } from './names.ts';
import { runStages, type StageWork } from './retry.ts';
import { failureOf, StageFailure } from './stage-failure.ts';

/** How often the results are made where what one stage left for the next gets lost. */
const MAX_ROUNDS = 3;

/** Share of the run that is done when a stage begins. */
const PROGRESS_AT: Record<Stage, number> = {
  download: 0,
  separate: 0.1,
  analyze: 0.1,
  assemble: 0.9,
  upload: 0.92,
  callback: 0.97,
  cleanup: 0.99,
};

df.app.orchestration(ORCHESTRATION, function* analyzeSong(context) {
  const job = context.df.getInput() as JobInput;
  const startedAt = context.df.currentUtcDateTime.getTime();
  const elapsedSeconds = () => (context.df.currentUtcDateTime.getTime() - startedAt) / 1000;
  const id = job.audio_file_id;
  const message = { audio_file_id: id, messageId: `msg_${id}_${startedAt}` };
  let source: SourceInfo | undefined;
  let plan: SeparationPlan | undefined;
  let stageSeconds: Partial<Record<Stage, number>> = {};
  try {
    enter(context, { stage: 'download' });
    const downloaded = yield* runStage<DownloadResult>(context, job, 'download', job);
    ({ source, plan } = downloaded.value);
    for (let round = 1; ; round++) {
      try {
        stageSeconds = yield* makeResults(context, job, downloaded, elapsedSeconds);
        break;
      } catch (error) {
        if (failureOf(error).info.code !== 'work_lost' || round === MAX_ROUNDS) throw error;
      }
    }
  } catch (error) {
    const failure = failureOf(error);
    const canceled = failure.info.code === 'canceled';
    if (!canceled) {
      // Who is told of the failure finds the earlier result again.
      if (failure.info.stage === 'upload') yield* clean(context, job, { settleOnly: true });
      const payload: CallbackPayload = {
        audio_file_id: id,
        status: 'failed',
        processing_time_seconds: elapsedSeconds(),
        error: failure.info,
      };
      yield* notify(context, job, { ...message, failure: payload });
    }
    enter(context, { stage: failure.info.stage, ending: true, error: failure.info });
    // What a failed run has staged serves the next one of the same song; what was cancelled is not wanted any more.
    const { next, version } = yield* clean(context, job, { source, discard: canceled ? plan : undefined });
    if (next) return context.df.continueAsNew({ ...next, earlier: earlierAfter(job, version, next) });
    context.df.setCustomStatus({
      stage: failure.info.stage,
      progress: 1,
      error: failure.info,
      version,
    } satisfies Progress);
    if (canceled) return { status: 'canceled' } satisfies RunOutput;
    throw new Error(`${failure.info.stage}: ${failure.message}`);
  }

  enter(context, { stage: 'callback' });
  const callback = yield* notify(context, job, message);
  enter(context, { stage: 'cleanup', ending: true });
  const { next, version } = yield* clean(context, job, { source });
  if (next) return context.df.continueAsNew({ ...next, earlier: earlierAfter(job, version, next) });
  context.df.setCustomStatus({ stage: 'cleanup', progress: 1, version } satisfies Progress);
  return { status: 'completed', callback, stage_seconds: stageSeconds } satisfies RunOutput;
});

/** The stages from separation to upload. What an earlier round has staged is not made again. */
function* makeResults(
  context: OrchestrationContext,
  job: JobInput,
  downloaded: { value: DownloadResult; seconds: number },
  elapsedSeconds: () => number,
): Generator<Task, Partial<Record<Stage, number>>, StageOutcome[]> {
  const song = downloaded.value;
  const { plan } = song;
  enter(context, { stage: 'separate', plan });
  const fannedOutAfter = elapsedSeconds();
  const [analyzed] = yield* runAll(context, job, [
    { stage: 'analyze', input: song },
    ...separationParts(plan).map((part) => ({ stage: 'separate' as const, input: { ...song, ...part } })),
  ]);
  const separateSeconds = round(elapsedSeconds() - fannedOutAfter, 3);

  enter(context, { stage: 'assemble', plan });
  const assembled = yield* runStage(context, job, 'assemble', song);

  enter(context, { stage: 'upload', plan });
  const stageSeconds = {
    download: downloaded.seconds,
    separate: separateSeconds,
    analyze: analyzed.seconds,
    assemble: assembled.seconds,
  };
  const publication: UploadInput = { ...song, elapsedSeconds: elapsedSeconds(), stageSeconds };
  const uploaded = yield* runStage(context, job, 'upload', publication);
  return { ...stageSeconds, upload: uploaded.seconds };
}

function enter(context: OrchestrationContext, at: Omit<Progress, 'progress'>): void {
  context.df.setCustomStatus({ ...at, progress: PROGRESS_AT[at.stage] } satisfies Progress);
}

/** Runs stages side by side. @throws StageFailure the first failure among them, once all have ended */
function* runAll(
  context: OrchestrationContext,
  { audio_file_id, attempts, retry_ms }: JobInput,
  work: readonly StageWork[],
): Generator<Task, { value: unknown; seconds: number }[], StageOutcome[]> {
  const outcomes = yield* runStages(context, audio_file_id, work, { attempts, firstDelayMs: retry_ms });
  return outcomes.map(({ error, value, seconds }, i) => {
    if (error) throw new StageFailure({ ...error, stage: work[i].stage });
    return { value, seconds };
  });
}

function* runStage<T>(
  context: OrchestrationContext,
  job: JobInput,
  stage: Stage,
  input: unknown,
): Generator<Task, { value: T; seconds: number }, StageOutcome[]> {
  const [outcome] = yield* runAll(context, job, [{ stage, input }]);
  return outcome as { value: T; seconds: number };
}

/** Posts the callback. One that can't be delivered is told in the output and loses nothing else. */
function* notify(
  context: OrchestrationContext,
  job: JobInput,
  input: CallbackInput,
): Generator<Task, RunOutput['callback'], StageOutcome[]> {
  try {
    const { value } = yield* runStage<boolean>(context, job, 'callback', input);
    return value ? 'delivered' : 'not requested';
  } catch (error) {
    return failureOf(error).info;
  }
}

/** Removes work files, and gives what is to be run next and what was run. What can't be removed is no reason to fail a run. */
function* clean(
  context: OrchestrationContext,
  job: JobInput,
  input: Omit<CleanupInput, 'audio_file_id' | 'queued'>,
): Generator<Task, CleanupResult, StageOutcome[]> {
  const { source } = input;
  // As the stage after a restart finds no note any more.
  const known = source && {
    blob_name: source.blob_name,
    etag: source.etag,
    size_bytes: source.size_bytes,
    sha256: source.sha256,
  };
  try {
    const { audio_file_id, queued } = job;
    const run: CleanupInput = { audio_file_id, queued, ...input };
    const { value } = yield* runStage<CleanupResult>(context, job, 'cleanup', run);
    return { ...value, version: value.version ?? known };
  } catch (error) {
    context.warn(`cleanup of '${job.audio_file_id}': ${failureOf(error).message}`);
    return { version: known };
  }
}
