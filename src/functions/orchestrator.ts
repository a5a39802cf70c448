/** The run of one song: its stages in order, separation fanned out in parts beside the analysis. */
import type { OrchestrationContext, Task } from 'durable-functions';
import type {
  CallbackPayload,
  CallbackStatus,
  JobInput,
  Progress,
  RunOutput,
  SeparationPlan,
  SourceInfo,
  Stage,
} from '../pipeline/contracts.ts';
import { type ErrorInfo, isRetryable } from '../pipeline/errors.ts';
import { round } from '../pipeline/round.ts';
import type { CallbackInput } from '../pipeline/stages/callback.ts';
import type { CleanupInput, CleanupResult } from '../pipeline/stages/cleanup.ts';
import type { DownloadResult } from '../pipeline/stages/download.ts';
import { PROGRESS_AT } from '../pipeline/stages/progress.ts';
import { separationParts } from '../pipeline/stages/separate.ts';
import { earlierAfter } from '../pipeline/stages/song-version.ts';
import type { UploadInput } from '../pipeline/stages/upload.ts';
import type { HoldInput } from './callback-delivery.ts';
import { callbackStatus } from './callback-policy.ts';
import type { Continuation, LateOutcomes, StageOutcome } from './names.ts';
import { runAttempt, runStages, type StageOptions, type StageWork } from './retry.ts';
import { failureOf, StageFailure } from './stage-failure.ts';

/** How often the results are made where what one stage left for the next gets lost. */
const MAX_ROUNDS = 3;

/** A run with what its parts share. */
interface Run {
  readonly context: OrchestrationContext;
  readonly job: JobInput;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly messageId: string;
  elapsedSeconds(): number;
  /** Tells how far the run is. */
  enter(at: Omit<Progress, 'progress'>): void;
}

interface Results {
  readonly stageSeconds: Partial<Record<Stage, number>>;
  /** What the last part's activity went on with. */
  readonly late?: LateOutcomes['outcomes'];
}

/** The orchestration. Whatever it does depends on its input and its activities' outcomes alone. */
export function* analyzeSong(
  context: OrchestrationContext,
): Generator<Task, RunOutput | undefined, StageOutcome[]> {
  const job = context.df.getInput() as JobInput;
  const startedAt = context.df.currentUtcDateTime.getTime();
  const id = job.audio_file_id;
  let entered: Stage = 'download';
  const run: Run = {
    context,
    job,
    startedAt,
    // A signature's parts have dots between them.
    messageId: `msg_${id.replaceAll('.', '-')}_${context.df.newGuid(id)}`,
    elapsedSeconds: () => (context.df.currentUtcDateTime.getTime() - startedAt) / 1000,
    enter: (at) => {
      entered = at.stage;
      context.df.setCustomStatus({ ...at, progress: PROGRESS_AT[at.stage] } satisfies Progress);
    },
  };
  const message = { audio_file_id: id, messageId: run.messageId };
  let source: SourceInfo | undefined;
  let plan: SeparationPlan | undefined;
  let results: Results | undefined;
  try {
    run.enter({ stage: 'download' });
    const downloaded = yield* runStage<DownloadResult>(run, 'download', job);
    ({ source, plan } = downloaded.value);
    for (let turn = 1; !results; turn++) {
      try {
        results = yield* makeResults(run, downloaded, turn);
      } catch (error) {
        if (failureOf(error, entered).info.code !== 'work_lost' || turn === MAX_ROUNDS) throw error;
      }
    }
  } catch (error) {
    const failure = failureOf(error, entered);
    const canceled = failure.info.code === 'canceled';
    let told: CallbackStatus | undefined;
    if (!canceled) {
      // Who is told of the failure finds the earlier result again.
      if (failure.info.stage === 'upload') yield* clean(run, { settleOnly: true });
      const payload: CallbackPayload = {
        audio_file_id: id,
        status: 'failed',
        processing_time_seconds: run.elapsedSeconds(),
        error: failure.info,
      };
      told = yield* notify(run, { ...message, failure: payload });
    }
    run.enter({ stage: failure.info.stage, ending: true, error: failure.info });
    // What a failed run has staged serves the next one of the same song; what was cancelled is not wanted any more.
    const { next, version } = yield* clean(run, { source, discard: canceled ? plan : undefined });
    if (next) return void context.df.continueAsNew({ ...next, earlier: earlierAfter(job, version, next) });
    context.df.setCustomStatus({
      stage: failure.info.stage,
      progress: 1,
      error: failure.info,
      version,
      ...told,
    } satisfies Progress);
    if (canceled) return { status: 'canceled' };
    throw new Error(`${failure.info.stage}: ${failure.message}`);
  }

  const { stageSeconds, late } = results;
  run.enter({ stage: 'callback' });
  const told = yield* notify(run, message, late?.callback);
  run.enter({ stage: 'cleanup', ending: true });
  const { next, version } = yield* clean(run, { source }, late?.cleanup);
  if (next) return void context.df.continueAsNew({ ...next, earlier: earlierAfter(job, version, next) });
  context.df.setCustomStatus({ stage: 'cleanup', progress: 1, version } satisfies Progress);
  return { status: 'completed', ...told, stage_seconds: stageSeconds };
}

/** The stages from separation to upload. What an earlier turn has staged is not made again. */
function* makeResults(
  run: Run,
  downloaded: { value: DownloadResult; seconds: number },
  turn: number,
): Generator<Task, Results, StageOutcome[]> {
  const song = downloaded.value;
  const { plan } = song;
  const fannedOutAfter = run.elapsedSeconds();
  const continuation: Continuation = {
    fan_out: `${run.startedAt}-${turn}`,
    message_id: run.messageId,
    started_at: run.startedAt,
    fanned_out_at: run.startedAt + fannedOutAfter * 1000,
    download_seconds: downloaded.seconds,
    queued: run.job.queued,
  };
  run.enter({ stage: 'separate', plan, fan_out: continuation.fan_out });
  const work: StageWork<Stage>[] = [
    { stage: 'analyze', input: song },
    ...separationParts(plan).map((part) => ({ stage: 'separate' as const, input: { ...song, ...part } })),
  ];
  const outcomes = yield* runAll(run, work, { continuation });
  const continued = outcomes.find(({ late }) => late)?.late;
  const late = continued?.outcomes;
  // Whoever went on has seen that all of it is there.
  if (!late) requireSuccess(work, outcomes);
  const separateSeconds = round(run.elapsedSeconds() - fannedOutAfter, 3);

  run.enter({ stage: 'assemble', plan });
  const assembled = yield* runStage(run, 'assemble', song, late?.assemble);

  run.enter({ stage: 'upload', plan });
  const stageSeconds = {
    download: downloaded.seconds,
    separate: separateSeconds,
    analyze: outcomes[0].seconds,
    ...continued?.stage_seconds,
    assemble: assembled.seconds,
  };
  const publication: UploadInput = { ...song, elapsedSeconds: run.elapsedSeconds(), stageSeconds };
  const uploaded = yield* runStage(run, 'upload', publication, late?.upload);
  return { stageSeconds: { ...stageSeconds, upload: uploaded.seconds }, late };
}

function runAll(
  { context, job }: Run,
  work: readonly StageWork[],
  options: Omit<StageOptions, 'attempts' | 'firstDelayMs'>,
): Generator<Task, StageOutcome[], StageOutcome[]> {
  const { audio_file_id, attempts, retry_ms: firstDelayMs } = job;
  return runStages(context, audio_file_id, work, { attempts, firstDelayMs, ...options });
}

/** @throws StageFailure the failure among the outcomes for which nothing was tried again, else the first */
function requireSuccess(work: readonly StageWork<Stage>[], outcomes: readonly StageOutcome[]): void {
  const failed = outcomes.filter(({ error }) => error);
  const final =
    failed.find(({ error }) => error!.code === 'canceled') ??
    failed.find(({ error }) => !isRetryable(error!.code)) ??
    failed[0];
  if (!final) return;
  const { stage } = work[outcomes.indexOf(final)];
  const { code, message, attempt } = final.error!;
  throw new StageFailure({ code, message, attempt, stage });
}

/** Runs one stage; `first` is its first attempt's outcome, where that was made already. @throws StageFailure */
function* runStage<T>(
  run: Run,
  stage: Stage,
  input: unknown,
  first?: StageOutcome,
): Generator<Task, { value: T; seconds: number }, StageOutcome[]> {
  const work = [{ stage, input }];
  const outcomes = yield* runAll(run, work, { first });
  requireSuccess(work, outcomes);
  return outcomes[0] as { value: T; seconds: number };
}

/**
 * Makes the first attempt at the callback, or takes up the one that was made. Further ones are an orchestration of their own.
 * One that can't be delivered is told and loses nothing else.
 */
function* notify(
  run: Run,
  message: CallbackInput,
  first?: StageOutcome,
): Generator<Task, CallbackStatus, StageOutcome[]> {
  const { context, job } = run;
  const failed = ({ code, message: reason }: ErrorInfo): CallbackStatus => ({
    callback: 'failed',
    callback_delivery: { message_id: message.messageId, attempts: 1, error: { code, message: reason } },
  });
  try {
    const work = { stage: 'callback', input: message } as const;
    const outcome = first ?? (yield* runAttempt(context, job.audio_file_id, work, 1));
    const status = callbackStatus(message.messageId, 1, outcome);
    if (status.callback !== 'pending') return status;
    const input: HoldInput = { message, error: outcome.error! };
    const [held] = yield* runAll(run, [{ stage: 'holdCallback', input }], {});
    if (held.error) return failed(held.error);
    return held.value ? status : { callback: 'not requested' };
  } catch (error) {
    return failed(failureOf(error, 'callback').info);
  }
}

/** Removes work files, and gives what is to be run next and what was run. What can't be removed is no reason to fail a run. */
function* clean(
  run: Run,
  input: Omit<CleanupInput, 'audio_file_id' | 'queued'>,
  first?: StageOutcome,
): Generator<Task, CleanupResult, StageOutcome[]> {
  const { audio_file_id, queued } = run.job;
  const { source } = input;
  // As the stage after a restart finds no note any more.
  const known = source && {
    blob_name: source.blob_name,
    etag: source.etag,
    size_bytes: source.size_bytes,
    sha256: source.sha256,
  };
  try {
    const work: CleanupInput = { audio_file_id, queued, ...input };
    const { value } = yield* runStage<CleanupResult>(run, 'cleanup', work, first);
    return { ...value, version: value.version ?? known };
  } catch (error) {
    run.context.warn(`cleanup of '${audio_file_id}': ${failureOf(error, 'cleanup').message}`);
    return { version: known };
  }
}
