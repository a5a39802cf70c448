/** Which stages are tried again, how often and when: the one place that decides it. */
import type { OrchestrationContext, Task } from 'durable-functions';
import * as df from 'durable-functions';
import type { Stage } from '../pipeline/contracts.ts';
import { isRetryable } from '../pipeline/errors.ts';
import type { StageCall, StageOutcome } from './names.ts';

interface RetryPolicy {
  readonly attempts: number;
  /** Before the second attempt, in ms. */
  readonly firstDelayMs: number;
  /** Each further delay over the one before. */
  readonly factor: number;
}

/** Each delay of a stage over the one before. */
const STAGE_FACTOR = 3;
/** A receiver that is down gets more time: six attempts over some five minutes. */
const CALLBACK_POLICY: RetryPolicy = { attempts: 6, firstDelayMs: 10_000, factor: 2 };
/**
 * Where an activity throws, its process was stopped or the host gave it up: that is no failure of the stage, and another
 * process takes it over at once.
 */
const TAKEOVER = new df.RetryOptions(1_000, 5);

/** A stage with what it works on. */
export interface StageWork {
  readonly stage: Stage;
  readonly input: unknown;
}

/**
 * Runs stages side by side. Those that fail with a retryable error are tried again, unless one has failed for good. The
 * outcomes, failures among them, come in the order of `work`, once nothing runs any more.
 */
export function* runStages(
  context: OrchestrationContext,
  audioFileId: string,
  work: readonly StageWork[],
  settings: Omit<RetryPolicy, 'factor'>,
): Generator<Task, StageOutcome[], StageOutcome[]> {
  const outcomes: StageOutcome[] = [];
  const policy = work[0].stage === 'callback' ? CALLBACK_POLICY : { ...settings, factor: STAGE_FACTOR };
  let open = [...work.keys()];
  for (let attempt = 1; ; attempt++) {
    const calls = open.map((i) => {
      const { stage, input } = work[i];
      const call: StageCall = { audio_file_id: audioFileId, attempt, input };
      return context.df.callActivityWithRetry(stage, TAKEOVER, call);
    });
    const round = yield context.df.Task.all(calls);
    for (const [k, i] of open.entries()) outcomes[i] = round[k];
    open = open.filter((i) => outcomes[i].error);
    const givenUp = open.some((i) => !isRetryable(outcomes[i].error!.code));
    if (open.length === 0 || givenUp || attempt === policy.attempts) return outcomes;
    const delay = policy.firstDelayMs * policy.factor ** (attempt - 1);
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + delay));
  }
}
