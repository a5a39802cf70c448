/**
 * What each cue of `cues.ts` speaks for or against: one row per cue, one column per stem (drums, bass, other, vocals).
 *
 * Fitted by gradient descent to the signal-to-distortion ratio of the stems of four songs, with a penalty on large
 * weights. On songs that the fit has not seen it does about one dB worse than on those four.
 */
export const CUE_WEIGHTS: readonly (readonly number[])[] = [
  [0.51, 0.08, -0.18, -0.41], // near 45 Hz
  [0.47, 0.33, -0.05, -0.75], // near 90 Hz
  [0.03, 0.55, 0.41, -0.98], // near 180 Hz
  [-0.6, -0.64, 1.56, -0.32], // near 360 Hz
  [-0.59, -0.92, 1.23, 0.27], // near 720 Hz
  [-0.58, -0.74, 1.91, -0.59], // near 1440 Hz
  [-0.55, -0.68, 1.88, -0.66], // near 2880 Hz
  [0.56, -0.37, 0.27, -0.47], // near 5760 Hz
  [0.78, -0.32, -0.21, -0.25], // near 11520 Hz and above
  [0.98, 0.09, 0.08, -1.15], // percussion
  [0.3, -1.11, 0.16, 0.65], // percussion at the low end
  [-0.03, 0.1, -0.22, 0.15], // percussion at the high end
  [-0.51, -1.08, 1.76, -0.17], // width
  [-1.07, -0.78, 0.69, 1.17], // width at the low end
  [-0.81, 0.11, 0.42, 0.28], // novelty
  [0.26, -0.08, -0.04, -0.15], // novelty at the low end
  [0.55, -0.57, -0.03, 0.06], // rise
  [0.94, -0.49, -0.22, -0.23], // rise at the low end
  [-0.55, -0.42, 0.58, 0.39], // peak
  [-0.01, -0.61, 0.81, -0.19], // on a partial of the voice
  [-0.12, -0.1, -0.56, 0.77], // the same by the voice's strength
  [-0.85, -0.26, 1.51, -0.4], // the voice's strength
  [-0.14, 0.11, 0.14, -0.11], // on a partial of the bass
  [0.56, 0.13, -0.1, -0.59], // the same at the low end
  [-0.24, 0.81, -0.19, -0.37], // the same by the bass's strength
  [0.21, -0.45, 0.21, 0.04], // attack
  [0.49, -0.19, -0.15, -0.14], // attack at the low end
  [0.89, -0.81, -0.15, 0.07], // decay
  [-0.2, -0.56, 1.64, -0.88], // width on a partial of the voice
];
