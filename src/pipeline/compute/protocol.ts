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

/** One separated segment: 16-bit interleaved samples per stem, in the separator's order. */
export interface SegmentMessage {
  readonly kind: 'segment';
  readonly index: number;
  readonly stems: readonly Int16Array[];
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
