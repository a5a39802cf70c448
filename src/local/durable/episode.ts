import type { App } from '../worker/app.ts';
import {
  type Action,
  ActionType,
  EventType,
  flatten,
  type HistoryEvent,
  type NewEvent,
  type OrchestratorState,
  type RetryOptions,
  signature,
  stateOfFailure,
} from './protocol.ts';
import type { Instance, Progress, Retry, Work } from './store.ts';

/** A wait so long that no timer is cut into shorter ones. */
const NO_LIMIT = '10675199.00:00:00';
/** As much of a text as a message shows. */
const SHOWN_LENGTH = 80;
const UNSUPPORTED: ReadonlySet<number> = new Set([
  ActionType.CallEntity,
  ActionType.CallHttp,
  ActionType.SignalEntity,
  ActionType.LockEntities,
  ActionType.ReleaseEntities,
]);

/**
 * One step of an orchestration: one event, and what the orchestrator makes of it.
 *
 * Actions carry no numbers: the orchestrator's replay numbers its tasks in the order in which they arise, a retry taking
 * a number for its timer and one for the next try. With one event per step the order is the same here.
 */
export class Episode {
  /** The instance after the step. */
  instance: Instance;
  outcome: 'waiting' | 'finished' | 'continued' = 'waiting';
  /** Events that the step adds to the history. */
  readonly recorded: HistoryEvent[] = [];
  readonly work: Omit<Work, 'row'>[] = [];
  readonly children: { name: string; id: string; input: string; task: number }[] = [];
  /** Numbers of timers that are not waited for any more. */
  readonly cancelled: number[] = [];
  readonly #history: readonly HistoryEvent[];
  readonly #event: NewEvent;
  readonly #progress: Progress;
  readonly #now = new Date();

  constructor(instance: Instance, history: readonly HistoryEvent[], event: NewEvent) {
    this.#history = history;
    this.#event = event;
    this.#progress = structuredClone(instance.progress);
    this.instance = {
      ...instance,
      status: 'Running',
      updated: this.#now.toISOString(),
      progress: this.#progress,
    };
  }

  async run(app: App): Promise<void> {
    this.#record({ EventType: EventType.OrchestratorStarted });
    this.#record(this.#event);
    if (!this.#retryConsumes()) await this.#replay(app);
    this.#record({ EventType: EventType.OrchestratorCompleted });
  }

  /** Whether the event only moves a retry on, so that the orchestrator has nothing to say to it. */
  #retryConsumes(): boolean {
    const { EventType: type, TaskScheduledId, TimerId } = this.#event;
    const failed = type === EventType.TaskFailed || type === EventType.SubOrchestrationInstanceFailed;
    const number = failed ? TaskScheduledId : type === EventType.TimerFired ? TimerId : undefined;
    const retry = number === undefined ? undefined : this.#progress.retries[number];
    const completed =
      type === EventType.TaskCompleted || type === EventType.SubOrchestrationInstanceCompleted;
    if (completed) delete this.#progress.retries[TaskScheduledId!];
    if (!retry) return false;
    delete this.#progress.retries[number!];
    if (failed) {
      // After the last try too, the replay waits for a timer before it gives up.
      const last = retry.attempt >= retry.options.maxNumberOfAttempts;
      const timer = this.#createTimer(this.#now.getTime() + (last ? 0 : delayOf(retry)));
      this.#progress.retries[timer] = retry;
      return true;
    }
    if (retry.attempt >= retry.options.maxNumberOfAttempts) return false;
    this.#call({ ...retry, attempt: retry.attempt + 1 }, true);
    return true;
  }

  async #replay(app: App): Promise<void> {
    const { id, name, input, parent } = this.instance;
    const trigger = app.functions.get(name)?.trigger;
    if (!trigger) return this.#finish('Failed', `There is no orchestration named '${name}'.`);
    let given: unknown;
    try {
      given = JSON.parse(input);
    } catch {
      return this.#finish('Failed', `The input of '${id}' is no JSON: ${input.slice(0, SHOWN_LENGTH)}`);
    }
    const binding = {
      history: [...this.#history.map((event) => ({ ...event, IsPlayed: true })), ...this.recorded],
      input: given,
      instanceId: id,
      isReplaying: false,
      parentInstanceId: parent?.id,
      upperSchemaVersion: 1,
      upperSchemaVersionNew: 2,
      longRunningTimerIntervalDuration: NO_LIMIT,
      maximumShortTimerDuration: NO_LIMIT,
      defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
    };
    let state: OrchestratorState | undefined;
    let failure: Error | undefined;
    try {
      const { returnValue } = await app.invoke(name, [
        { name: trigger.name, data: { json: JSON.stringify(binding) } },
      ]);
      state = JSON.parse(returnValue?.json ?? returnValue?.string ?? 'null');
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      state = stateOfFailure(failure);
    }
    if (state) this.#take(state);
    if (this.outcome !== 'waiting') return;
    if (failure)
      this.#finish('Failed', `Orchestrator function '${name}' failed: ${state?.error ?? failure.message}`);
    else if (state?.isDone) this.#finish('Completed', state.output ?? null);
  }

  /** Does what the orchestrator has newly asked for, after comparing its earlier requests with the record. */
  #take(state: OrchestratorState): void {
    if (state.customStatus !== undefined) {
      this.instance = { ...this.instance, customStatus: JSON.stringify(state.customStatus) };
    }
    const actions = flatten(state.actions.flat());
    const known = this.#progress.actions;
    const strange = known.findIndex(
      (before, i) => !actions[i] || signatureOf(before) !== signature(actions[i]),
    );
    if (strange >= 0) {
      const now = actions[strange] ? `'${signature(actions[strange])}'` : 'nothing';
      return this.#finish(
        'Failed',
        `Non-Deterministic workflow detected: action ${strange} was '${signatureOf(known[strange])}' and is ${now} in the replay. ` +
          `An orchestrator must take the same path each time: no clock, randomness or I/O outside of its context.`,
      );
    }
    for (const [i, action] of actions.entries()) {
      if (i < known.length) this.#lookForCancel(action, known[i]);
      else this.#begin(action);
      if (this.outcome !== 'waiting') return;
    }
  }

  #begin(action: Action): void {
    if (UNSUPPORTED.has(action.actionType)) {
      return this.#finish('Failed', `The embedded host does not support ${signature(action)}.`);
    }
    const number = this.#progress.nextId;
    this.#progress.actions.push(`${signature(action)}#${number}`);
    switch (action.actionType) {
      case ActionType.CallActivity:
      case ActionType.CallActivityWithRetry:
        return this.#call(callOf('activity', action), action.retryOptions !== undefined);
      case ActionType.CallSubOrchestrator:
      case ActionType.CallSubOrchestratorWithRetry:
        return this.#call(
          callOf('orchestration', action),
          action.retryOptions !== undefined,
          action.instanceId,
        );
      case ActionType.CreateTimer:
        if (action.isCanceled) this.#progress.nextId++;
        else this.#createTimer(Date.parse(action.fireAt!));
        return;
      case ActionType.ContinueAsNew:
        return this.#continueAsNew(encodedInput(action.input));
      default:
        return; // An external event has no number: it is waited for by its name.
    }
  }

  #call(call: Retry, retried: boolean, instanceId?: string): void {
    const task = this.#progress.nextId++;
    if (retried) this.#progress.retries[task] = call;
    const { id: instance, execution } = this.instance;
    const { kind, name, input } = call;
    if (kind === 'activity') {
      this.#record({ EventType: EventType.TaskScheduled, EventId: task, Name: name, Input: input });
      this.work.push({ instance, execution, task, kind, name, input, due: 0 });
      return;
    }
    const id = instanceId || `${instance}:${execution.slice(0, 8)}:${task}`;
    this.#record({
      EventType: EventType.SubOrchestrationInstanceCreated,
      EventId: task,
      Name: name,
      Input: input,
      InstanceId: id,
    });
    this.children.push({ name, id, input, task });
  }

  #createTimer(due: number): number {
    const task = this.#progress.nextId++;
    const { id: instance, execution } = this.instance;
    this.#record({ EventType: EventType.TimerCreated, EventId: task, FireAt: new Date(due).toISOString() });
    this.work.push({ instance, execution, task, kind: 'timer', name: '', input: '', due });
    return task;
  }

  #lookForCancel(action: Action, recorded: string): void {
    if (action.isCanceled) this.cancelled.push(Number(recorded.slice(recorded.lastIndexOf('#') + 1)));
  }

  #continueAsNew(input: string): void {
    const fresh: Progress = { nextId: 0, actions: [], retries: {} };
    this.instance = { ...this.instance, input, progress: fresh };
    this.outcome = 'continued';
    this.work.length = 0;
    this.children.length = 0;
  }

  #finish(status: 'Completed' | 'Failed', output: unknown): void {
    this.instance = { ...this.instance, status, output: JSON.stringify(output) };
    this.outcome = 'finished';
    this.work.length = 0;
    this.children.length = 0;
  }

  #record(event: NewEvent): void {
    this.recorded.push({ EventId: -1, ...event, IsPlayed: false, Timestamp: this.#now.toISOString() });
  }
}

/** A recorded action is its signature, `#` and its number. */
const signatureOf = (recorded: string) => recorded.slice(0, recorded.lastIndexOf('#'));

function callOf(kind: Retry['kind'], { functionName, input, retryOptions }: Action): Retry {
  const options: RetryOptions = retryOptions ?? {
    firstRetryIntervalInMilliseconds: 0,
    maxNumberOfAttempts: 1,
  };
  // Of a sub-orchestration's input the SDK leaves a text as it is, too.
  const json = kind === 'activity' ? encodedInput(input) : JSON.stringify(input ?? null);
  return { kind, name: functionName!, input: json, options, attempt: 1 };
}

/** The SDK writes a text as JSON already and leaves everything else as it is. */
function encodedInput(input: unknown): string {
  return typeof input === 'string' ? input : JSON.stringify(input ?? null);
}

/** Milliseconds between a try and the next. */
function delayOf({ attempt, options }: Retry): number {
  const {
    firstRetryIntervalInMilliseconds: first,
    backoffCoefficient = 1,
    maxRetryIntervalInMilliseconds,
  } = options;
  return Math.min(
    first * backoffCoefficient ** (attempt - 1),
    maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY,
  );
}
