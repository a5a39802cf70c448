/** Which stages are tried again, how often and when: the one place that decides it. */
import type { OrchestrationContext, Task } from 'durable-functions';
import * as df from 'durable-functions';
import { isRetryable } from '../pipeline/errors.ts';
import type { ActivityName, Continuation, StageCall, StageOutcome } from './names.ts';

/** Each delay of a stage over the one before. */
const STAGE_FACTOR = 3;
/**
 * Where an activity throws, its process was stopped or the host gave it up: that is no failure of the stage, and another
 * process takes it over at once.
 */
const TAKEOVER = new df.RetryOptions(1_000, 5);
/** After so many ms a download that has made way is queued again: the work that it made way for lies there by then. */
const MAKE_WAY_MS = 1_000;

/** A stage, or another activity, with what it works on. */
export interface StageWork<Name extends ActivityName = ActivityName> {
  readonly stage: Name;
  readonly input: unknown;
}

/** How often a stage is tried, and when. */
export interface StageOptions {
  readonly attempts: number;
  /** Before the second attempt, in ms. */
  readonly firstDelayMs: number;
  /** What follows when all of the stages have ended. */
  readonly continuation?: Continuation;
  /** The first attempt's outcome, where another activity has made it. */
  readonly first?: StageOutcome;
}

/**
 * Runs stages side by side. Those that fail with a retryable error are tried again, unless one has failed for good. The
 * outcomes, failures among them, come in the order of `work`, once nothing runs any more.
 */
export function* runStages(
  context: OrchestrationContext,
  audioFileId: string,
  work: readonly StageWork[],
  { attempts, firstDelayMs, continuation, first }: StageOptions,
): Generator<Task, StageOutcome[], StageOutcome[]> {
  const outcomes: StageOutcome[] = [];
  let open = [...work.keys()];
  for (let attempt = 1; ; attempt++) {
    const calls = open.map((i) => ({ ...work[i], attempt, continuation }));
    const round = attempt === 1 && first ? [first] : yield* runOnce(context, audioFileId, calls);
    for (const [k, i] of open.entries()) outcomes[i] = round[k];
    if (outcomes.some(({ late }) => late)) return outcomes;
    open = open.filter((i) => outcomes[i].error);
    const givenUp = open.some((i) => outcomes[i].lost || !isRetryable(outcomes[i].error!.code));
    if (open.length === 0 || givenUp || attempt === attempts) return outcomes;
    yield* wait(context, firstDelayMs * STAGE_FACTOR ** (attempt - 1));
  }
}

/** One attempt at one stage. */
export function* runAttempt(
  context: OrchestrationContext,
  audioFileId: string,
  work: StageWork,
  attempt: number,
): Generator<Task, StageOutcome, StageOutcome[]> {
  const [outcome] = yield* callAll(context, audioFileId, [{ ...work, attempt }]);
  return outcome;
}

type Call = StageWork & Pick<StageCall, 'attempt' | 'continuation'>;

/** One attempt at each. A download that makes way is called once more. */
function* runOnce(
  context: OrchestrationContext,
  audio_file_id: string,
  calls: readonly Call[],
): Generator<Task, StageOutcome[], StageOutcome[]> {
  const may_make_way = calls[0].stage === 'download' && calls[0].attempt === 1;
  const outcomes = yield* callAll(context, audio_file_id, calls, may_make_way || undefined);
  if (!outcomes[0].made_way) return outcomes;
  yield* wait(context, MAKE_WAY_MS);
  return yield* callAll(context, audio_file_id, calls);
}

function* callAll(
  context: OrchestrationContext,
  audio_file_id: string,
  calls: readonly Call[],
  may_make_way?: true,
): Generator<Task, StageOutcome[], StageOutcome[]> {
  const tasks = calls.map(({ stage, input, attempt, continuation }) => {
    const call: StageCall = { audio_file_id, attempt, input, continuation, may_make_way };
    return context.df.callActivityWithRetry(stage, TAKEOVER, call);
  });
  try {
    return yield context.df.Task.all(tasks);
  } catch {
    // The extension numbers what is scheduled only when all of these have ended. To schedule anything before that, as the
    // SDK would let us, gives events to tasks that they don't belong to.
    for (const task of tasks) yield* ended(task);
    return tasks.map((task, i) =>
      task.isFaulted ? lost(calls[i], task) : ((task as { result?: unknown }).result as StageOutcome),
    );
  }
}

function* ended(task: Task): Generator<Task, void, StageOutcome[]> {
  try {
    yield task;
  } catch {
    // It is told by the task.
  }
}

/** An activity whose process ended each time. */
function lost({ stage, attempt }: Call, task: Task): StageOutcome {
  const reason = String((task as { result?: { message?: string } }).result?.message ?? 'no reason was given');
  const message = `The stage ${stage} was begun ${TAKEOVER.maxNumberOfAttempts} times, and ended by its process or the host each time: ${reason.split('\n')[0].trim()}`;
  return { seconds: 0, error: { code: 'internal', message, attempt }, lost: true };
}

/** Lets so many ms pass. */
export function* wait(context: OrchestrationContext, ms: number): Generator<Task, void, StageOutcome[]> {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + ms));
}
