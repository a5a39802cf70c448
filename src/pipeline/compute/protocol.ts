import type { ErrorInfo } from '../errors.ts';
import type { Analysis } from '../mir/analysis.ts';

/** What a compute child can be asked for. `song` is the path of a decoded song (see `SongFile`). */
export type Task =
  | { readonly kind: 'analyze'; readonly song: string }
  | {
      readonly kind: 'separate';
      readonly song: string;
      readonly model: string;
      readonly segments: readonly number[];
    };

/**
 * One stem of one separated segment: 16-bit interleaved samples. Stems come one by one, because the receiving process
 * answers nothing else while it unpacks a message.
 */
export interface SegmentMessage {
  readonly kind: 'segment';
  readonly index: number;
  /** Position in the separator's order of stems. */
  readonly stem: number;
  readonly samples: Int16Array;
}

/** What a child sends. After a `segment` it waits for `Acknowledged`, so at most one is on its way. */
export type ChildMessage =
  | SegmentMessage
  | { readonly kind: 'analysis'; readonly analysis: Analysis }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorInfo };

export interface Acknowledged {
  readonly kind: 'acknowledged';
}
