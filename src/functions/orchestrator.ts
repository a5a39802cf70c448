/** The run of one song: its stages in order, separation fanned out in parts beside the analysis. */
import type { OrchestrationContext, Task } from 'durable-functions';
import * as df from 'durable-functions';
import type { JobInput, Progress, SourceInfo, Stage } from '../pipeline/contracts.ts';
import { round } from '../pipeline/round.ts';
import type { DownloadResult } from '../pipeline/stages/download.ts';
import { separationParts } from '../pipeline/stages/separate.ts';
import type { UploadInput } from '../pipeline/stages/upload.ts';
import { ORCHESTRATION, type StageOutcome } from './names.ts';
import { failureOf, StageFailure } from './stage-failure.ts';

/** What every stage gets: three tries, 5 s and 15 s apart. */
const RETRY = new df.RetryOptions(5_000, 3);
RETRY.backoffCoefficient = 3;
/** A receiver that is down gets more time: six tries over some five minutes. */
const CALLBACK_RETRY = new df.RetryOptions(10_000, 6);
CALLBACK_RETRY.backoffCoefficient = 2;

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
  const messageId = `msg_${job.audio_file_id}_${startedAt}`;
  const id = job.audio_file_id;
  let source: SourceInfo | undefined;
  let stageSeconds: Partial<Record<Stage, number>> = {};
  try {
    enter(context, { stage: 'download' });
    const downloaded = unwrap<DownloadResult>('download', yield call(context, 'download', job));
    const { plan } = downloaded.value;
    source = downloaded.value.source;
    const song = { source, plan };

    enter(context, { stage: 'separate', plan });
    const parts = separationParts(plan);
    const fannedOutAfter = elapsedSeconds();
    const outcomes: unknown[] = yield context.df.Task.all([
      call(context, 'analyze', song),
      ...parts.map((part) => call(context, 'separate', { ...song, ...part })),
    ]);
    const [analyzed] = outcomes.map((outcome, i) => unwrap(i === 0 ? 'analyze' : 'separate', outcome));
    const separateSeconds = round(elapsedSeconds() - fannedOutAfter, 3);

    enter(context, { stage: 'assemble', plan });
    const assembled = unwrap('assemble', yield call(context, 'assemble', song));

    enter(context, { stage: 'upload', plan });
    stageSeconds = {
      download: downloaded.seconds,
      separate: separateSeconds,
      analyze: analyzed.seconds,
      assemble: assembled.seconds,
    };
    const publication: UploadInput = { ...song, elapsedSeconds: elapsedSeconds(), stageSeconds };
    const uploaded = unwrap('upload', yield call(context, 'upload', publication));
    stageSeconds = { ...stageSeconds, upload: uploaded.seconds };
  } catch (error) {
    const failure = failureOf(error);
    const payload = {
      audio_file_id: id,
      status: 'failed' as const,
      processing_time_seconds: elapsedSeconds(),
      error: failure.info,
    };
    yield* notify(context, { audio_file_id: id, messageId, failure: payload });
    yield* clean(context, id, source);
    context.df.setCustomStatus({
      stage: failure.info.stage,
      progress: 1,
      error: failure.info,
    } satisfies Progress);
    throw new Error(`${failure.info.stage}: ${failure.message}`);
  }

  enter(context, { stage: 'callback' });
  const callback = yield* notify(context, { audio_file_id: id, messageId });
  enter(context, { stage: 'cleanup' });
  yield* clean(context, id, source);
  context.df.setCustomStatus({ stage: 'cleanup', progress: 1 } satisfies Progress);
  return { status: 'completed', callback, stage_seconds: stageSeconds };
});

function enter(context: OrchestrationContext, at: Omit<Progress, 'progress'>): void {
  context.df.setCustomStatus({ ...at, progress: PROGRESS_AT[at.stage] } satisfies Progress);
}

function call(context: OrchestrationContext, stage: Stage, input: unknown): Task {
  return context.df.callActivityWithRetry(stage, stage === 'callback' ? CALLBACK_RETRY : RETRY, input);
}

/** What a stage gave, or its final failure thrown. */
function unwrap<T>(stage: Stage, outcome: unknown): { value: T; seconds: number } {
  const { error, value, seconds } = outcome as StageOutcome<T>;
  if (error) throw new StageFailure({ ...error, stage });
  return { value: value as T, seconds };
}

/** Posts the callback. One that can't be delivered is told in the output and loses nothing else. */
function* notify(context: OrchestrationContext, input: unknown): Generator<Task, unknown, unknown> {
  try {
    const { value } = unwrap<boolean>('callback', yield call(context, 'callback', input));
    return value ? 'delivered' : 'not requested';
  } catch (error) {
    return failureOf(error).info;
  }
}

/** Removes work files. What can't be removed now is no reason to fail a run whose results are there. */
function* clean(
  context: OrchestrationContext,
  audio_file_id: string,
  source?: SourceInfo,
): Generator<Task, void, unknown> {
  try {
    yield call(context, 'cleanup', { audio_file_id, source });
  } catch (error) {
    context.warn(`cleanup of '${audio_file_id}': ${failureOf(error).message}`);
  }
}
