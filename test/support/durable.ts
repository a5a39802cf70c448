import type { OrchestrationContext } from 'durable-functions';
import type { ActivityName, StageCall, StageOutcome } from '../../src/functions/names.ts';
import { analyzeSong } from '../../src/functions/orchestrator.ts';
import type { CallbackStatus, JobInput, Progress, RunOutput } from '../../src/pipeline/contracts.ts';

/** What an activity does: its outcome after so many seconds, or a throw of every try. */
export type Activity = (
  stage: ActivityName,
  call: StageCall,
) =>
  | { readonly takes?: number; readonly outcome: StageOutcome }
  | { readonly takes?: number; readonly throws: string };

type Told = Partial<Progress & CallbackStatus>;

/** A run as it ended. */
export interface Ended {
  /** In virtual seconds. */
  readonly at: number;
  readonly output?: RunOutput;
  readonly error?: Error;
  readonly continuedWith?: unknown;
  readonly status: Progress;
}

interface FakeTask {
  isCompleted: boolean;
  isFaulted: boolean;
  result?: unknown;
  waiting: (() => void)[];
}

const START = Date.UTC(2026, 0, 1);

/**
 * Durable's rules with virtual time: one queue of activities, first in, first out, worked off by so many slots;
 * orchestrators that go on when what they wait for is there. Real orchestrators, activities of the test's own.
 */
export class FakeDurable {
  /** Stages of each run in the order in which they were begun. */
  readonly calls: {
    readonly id: string;
    readonly stage: ActivityName;
    readonly call: StageCall;
    readonly at: number;
  }[] = [];
  readonly ended = new Map<string, Ended>();
  /** Every custom status, in order. */
  readonly told: { readonly id: string; readonly status: Told; readonly at: number }[] = [];
  #now = 0;
  #free: number;
  readonly #activity: Activity;
  readonly #queue: (() => void)[] = [];
  readonly #events: { readonly at: number; readonly happen: () => void }[] = [];

  constructor(slots: number, activity: Activity) {
    this.#free = slots;
    this.#activity = activity;
  }

  get now(): number {
    return this.#now;
  }

  /** Starts the run of a song. */
  start(id: string, more: Partial<JobInput> = {}): void {
    const job: JobInput = {
      audio_file_id: id,
      blob_name: `${id}.mp3`,
      attempts: 3,
      retry_ms: 5000,
      origin: 'request',
      ...more,
    };
    this.begin(id, analyzeSong, job);
  }

  /** Starts any orchestration. */
  begin(id: string, orchestrator: (context: OrchestrationContext) => Generator, input: unknown): void {
    let status: Progress | undefined;
    let guids = 0;
    let continuedWith: unknown;
    const self = this;
    const context = {
      warn: () => {},
      df: {
        getInput: () => input,
        newGuid: (name: string) => `guid-${name}-${self.#now}-${guids++}`,
        get currentUtcDateTime() {
          return new Date(START + self.#now * 1000);
        },
        setCustomStatus: (next: Progress) => {
          status = next;
          this.told.push({ id, status: next as Told, at: this.#now });
        },
        continueAsNew: (input: unknown) => {
          continuedWith = input;
        },
        callActivityWithRetry: (stage: ActivityName, _: unknown, call: StageCall) =>
          this.#call(id, stage, call),
        createTimer: (due: Date) => this.#timer(due.getTime() - START),
        Task: { all: (tasks: FakeTask[]) => all(tasks) },
      },
    } as unknown as OrchestrationContext;
    const run = orchestrator(context) as Generator<unknown, RunOutput | undefined, unknown>;
    const end = (how: Partial<Ended>) =>
      this.ended.set(id, { at: this.#now, status: status!, continuedWith, ...how });
    const resume = (task?: FakeTask): void => {
      try {
        const { done, value } = task?.isFaulted ? run.throw(task.result) : run.next(task?.result);
        if (done) end({ output: value as RunOutput });
        else whenEnded(value as FakeTask, () => resume(value as FakeTask));
      } catch (error) {
        end({ error: error as Error });
      }
    };
    resume();
  }

  /** Lets time pass until nothing more happens. */
  run(): void {
    for (;;) {
      while (this.#free > 0 && this.#queue.length > 0) {
        this.#free--;
        this.#queue.shift()!();
      }
      if (this.#events.length === 0) return;
      const next = this.#events.reduce((a, b) => (b.at < a.at ? b : a));
      this.#events.splice(this.#events.indexOf(next), 1);
      this.#now = next.at;
      next.happen();
    }
  }

  #call(id: string, stage: ActivityName, call: StageCall): FakeTask {
    const task = pending();
    this.#queue.push(() => {
      this.calls.push({ id, stage, call, at: this.#now });
      const done = this.#activity(stage, JSON.parse(JSON.stringify(call)));
      this.#after(done.takes ?? 0, () => {
        this.#free++;
        if ('throws' in done) settle(task, new Error(done.throws), true);
        else settle(task, JSON.parse(JSON.stringify(done.outcome)), false);
      });
    });
    return task;
  }

  #timer(dueMs: number): FakeTask {
    const task = pending();
    this.#after(dueMs / 1000 - this.#now, () => settle(task, undefined, false));
    return task;
  }

  #after(seconds: number, happen: () => void): void {
    this.#events.push({ at: this.#now + seconds, happen });
  }
}

const pending = (): FakeTask => ({ isCompleted: false, isFaulted: false, waiting: [] });

function settle(task: FakeTask, result: unknown, isFaulted: boolean): void {
  if (task.isCompleted || task.isFaulted) return;
  task.result = result;
  task.isFaulted = isFaulted;
  task.isCompleted = !isFaulted;
  for (const go of task.waiting.splice(0)) go();
}

function whenEnded(task: FakeTask, go: () => void): void {
  if (task.isCompleted || task.isFaulted) go();
  else task.waiting.push(go);
}

/** As the SDK's: the first failure ends it, whatever still runs. */
function all(tasks: readonly FakeTask[]): FakeTask {
  const whole = pending();
  for (const task of tasks)
    whenEnded(task, () => {
      if (task.isFaulted) settle(whole, task.result, true);
      else if (tasks.every(({ isCompleted }) => isCompleted))
        settle(
          whole,
          tasks.map(({ result }) => result),
          false,
        );
    });
  return whole;
}
