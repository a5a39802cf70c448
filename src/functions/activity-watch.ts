import { WorkerError } from '../pipeline/errors.ts';
import { cancelRequest } from '../pipeline/stages/cancel.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { type ActivityName, MESSAGE_ACTIVITIES } from './names.ts';

/** Stages that a cancelled run goes through too. */
const LAST_STAGES: ReadonlySet<ActivityName> = new Set<ActivityName>([
  'callback',
  'cleanup',
  ...MESSAGE_ACTIVITIES,
]);
/** How often a stage looks whether its run is to leave off, in ms. */
const POLL_MS = 2_000;
/** The same where a song is decoded: that has no segments at whose borders it would leave off, and ends within a second. */
const DECODING_POLL_MS = 500;

const shutdown = new AbortController();

/** Has every activity of this process leave off: at the next segment's border. */
export function interruptActivities(): void {
  shutdown.abort(
    new WorkerError('interrupted', 'The worker is being stopped. The work goes on at its next start.'),
  );
}

/** Watches over one activity: its signal ends the work when the run is cancelled, time is up or the worker stops. */
export class ActivityWatch implements Disposable {
  readonly signal: AbortSignal;

  readonly #stage: ActivityName;
  readonly #audioFileId: string;
  readonly #context: StageContext;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[];

  /** The stage may take `limitMs`, where it has not its full time. */
  constructor(
    stage: ActivityName,
    audioFileId: string,
    context: StageContext,
    limitMs = context.config.stageTimeoutMs,
  ) {
    this.#stage = stage;
    this.#audioFileId = audioFileId;
    this.#context = context;
    this.signal = AbortSignal.any([this.#abort.signal, shutdown.signal]);
    const late = () =>
      this.#abort.abort(
        new WorkerError(
          'timed_out',
          `The stage ${stage} took longer than the ${context.config.stageTimeoutMs / 1000} s that STAGE_TIMEOUT_SECONDS allows.`,
        ),
      );
    const pollMs = stage === 'download' ? DECODING_POLL_MS : POLL_MS;
    // A storage that doesn't answer is the stage's own trouble, which tells of it.
    const look = () => this.look().catch(() => {});
    this.#timers = [setTimeout(late, limitMs), setInterval(look, pollMs)];
  }

  /** Looks now whether the run is to leave off. */
  async look(): Promise<void> {
    if (LAST_STAGES.has(this.#stage)) return;
    const reason = await cancelRequest(this.#audioFileId, this.#context);
    if (reason) this.#abort.abort(new WorkerError(reason.code, reason.message));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
