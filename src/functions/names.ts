import type { JobInput, Stage } from '../pipeline/contracts.ts';
import type { ErrorInfo } from '../pipeline/errors.ts';

/** Name of the orchestration of a song. */
export const ORCHESTRATION = 'analyzeSong';
/** Name of the orchestration that tries a callback again. */
export const DELIVERY = 'deliverCallback';

/** Activities that keep a callback's message for as long as it is tried again. */
export const MESSAGE_ACTIVITIES = ['holdCallback', 'releaseCallback'] as const;
/** An activity's name: a stage's is the stage's own. */
export type ActivityName = Stage | (typeof MESSAGE_ACTIVITIES)[number];

/** What a stage's activity is given. */
export interface StageCall<I = unknown> {
  readonly audio_file_id: string;
  /** Counted from 1. */
  readonly attempt: number;
  readonly input: I;
  /** What follows the fan-out that this call belongs to: the activity that completes it goes on with that. */
  readonly continuation?: Continuation;
  /** The call may be answered with `made_way`. */
  readonly may_make_way?: boolean;
}

/** What a stage's activity returns: its value or its failure. */
export interface StageOutcome<T = unknown> {
  readonly seconds: number;
  readonly value?: T;
  readonly error?: ErrorInfo & { readonly attempt: number; readonly retry_after_ms?: number };
  /** The activity was given up: no attempt more is of use. The orchestrator notes this itself. */
  readonly lost?: true;
  /** What became of the stages that this activity went on with. */
  readonly late?: LateOutcomes;
  /** Nothing was done: older songs' work is to come first, so the call is to be queued again behind it. */
  readonly made_way?: boolean;
}

/** The stages that follow the fan-out, in order. */
export const LATE_STAGES = ['assemble', 'upload', 'callback', 'cleanup'] as const satisfies readonly Stage[];
export type LateStage = (typeof LATE_STAGES)[number];

/** What the late stages need to know of the run. Times are in ms since 1970. */
export interface Continuation {
  /** Names the fan-out: no other run of the song, and no other round of this run, has the same. */
  readonly fan_out: string;
  readonly message_id: string;
  readonly started_at: number;
  readonly fanned_out_at: number;
  readonly download_seconds: number;
  readonly queued?: JobInput['queued'];
}

/** The late stages that an activity went on with: all of them, or up to the first that failed or had no time. */
export interface LateOutcomes {
  readonly outcomes: Partial<Record<LateStage, StageOutcome>>;
  /** Of the whole run so far. */
  readonly stage_seconds: Partial<Record<Stage, number>>;
}
