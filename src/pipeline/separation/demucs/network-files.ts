import type { Precision } from '../../config.ts';

/** What is to be known of a converted network before it is loaded. */
export interface NetworkShape {
  /** Stems in the order of its outputs. */
  readonly sources: readonly string[];
  /** Frames that it takes at a time. */
  readonly segment_frames: number;
  /** Samples of a spectrum's window. */
  readonly nfft: number;
}

/** Tensors of every precision. */
export const WEIGHTS_FILE = 'weights.bin';

/** The graph in one precision. */
export const graphFile = (precision: Precision): string =>
  precision === 'fp32' ? 'graph.onnx' : `graph-${precision}.onnx`;
