import type { ErrorInfo } from '../errors.ts';
import type { Analysis, Chord } from '../mir/analysis.ts';
import type { SeparatorChoice } from '../separation/separator.ts';

/** What a compute child can be asked for. `song` is the path of a song (see `SongFile`); of one channel for `chords`. */
export type Task =
  | { readonly kind: 'analyze'; readonly song: string }
  | { readonly kind: 'chords'; readonly song: string; readonly analysis: Analysis }
  | {
      readonly kind: 'separate';
      readonly song: string;
      readonly separator: SeparatorChoice;
      readonly segments: readonly number[];
    };

/** What a child is told: a task, that a `segment` has been taken in, or to leave off between two segments. */
export type ParentMessage = Task | { readonly kind: 'acknowledged' } | { readonly kind: 'cancel' };

/**
 * One stem of one separated segment: 16-bit interleaved samples. Stems come one by one, because the receiving process
 * answers nothing else while it unpacks a message.
 */
export interface SegmentMessage {
  readonly kind: 'segment';
  readonly index: number;
  readonly stem: string;
  readonly samples: Int16Array;
}

/**
 * What a child sends. After a `segment` it waits until that is acknowledged, so at most one is on its way. While it
 * separates it says every second that it is `alive`. With `done` or `failed` it is ready for the next task; `peakBytes` is the most memory that
 * it has taken since its start.
 */
export type ChildMessage =
  | SegmentMessage
  | { readonly kind: 'analysis'; readonly analysis: Analysis }
  | { readonly kind: 'chords'; readonly chords: readonly Chord[] | null }
  | { readonly kind: 'alive' }
  | { readonly kind: 'done'; readonly peakBytes: number }
  | { readonly kind: 'failed'; readonly error: ErrorInfo };

/** What comes of a task. */
export type TaskResult = Exclude<ChildMessage, { kind: 'alive' | 'done' | 'failed' }>;
/** What is handed on to those who gave the task. */
export type Report = Exclude<ChildMessage, { kind: 'alive' }>;
