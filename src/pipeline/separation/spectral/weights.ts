/**
 * What each cue of `cues.ts` speaks for or against: one row per cue, one column per stem (drums, bass, other, vocals).
 *
 * Fitted (L-BFGS, with a penalty on large weights) to the mean signal-to-distortion ratio of the stems of 57 excerpts:
 * 30 generated songs, variants of them without a voice or with everything near the centre, three rendered and one real
 * song. Fitted without the rendered three, it does as well on them (4.5 dB); a real song that the fit has not seen comes
 * out at about 2 dB.
 */
export const CUE_WEIGHTS: readonly (readonly number[])[] = [
  [0.22, 0.02, -0.02, -0.22], // near 45 Hz
  [0.44, 0.41, -0.19, -0.66], // near 90 Hz
  [-0.23, 0.43, 0.71, -0.92], // near 180 Hz
  [-0.59, -0.69, 1.12, 0.16], // near 360 Hz
  [-0.49, -0.78, 0.89, 0.38], // near 720 Hz
  [-0.62, -0.63, 1.4, -0.15], // near 1440 Hz
  [-0.28, -0.48, 1.15, -0.38], // near 2880 Hz
  [0.86, -0.38, -0.05, -0.43], // near 5760 Hz
  [0.66, -0.25, -0.17, -0.24], // near 11520 Hz and above
  [0.99, -0.16, 0.15, -0.98], // percussion
  [-0.1, -0.75, 0.24, 0.62], // percussion at the low end
  [-0.22, 0.22, -0.02, 0.02], // percussion at the high end
  [-0.84, -0.53, 1.06, 0.31], // width
  [-0.61, -0.86, 0.58, 0.89], // width at the low end
  [-0.78, -0.1, 0.54, 0.34], // novelty
  [0.07, 0.07, -0.06, -0.08], // novelty at the low end
  [0.89, -0.86, -0.14, 0.11], // rise
  [1.2, -0.78, -0.3, -0.13], // rise at the low end
  [-0.19, -0.59, 0.18, 0.6], // peak
  [-0.22, -0.47, 0.53, 0.16], // on a partial of the voice
  [-0.22, -0.12, -0.46, 0.79], // the same by the voice's strength
  [-1.12, -0.07, 1.43, -0.24], // the voice's strength
  [-0.11, 0.25, 0.15, -0.29], // on a partial of the bass
  [0.37, 0.45, -0.23, -0.59], // the same at the low end
  [-0.26, 0.52, 0.12, -0.38], // the same by the bass's strength
  [0.23, -0.29, -0.11, 0.18], // attack
  [0.43, -0.13, -0.19, -0.11], // attack at the low end
  [0.78, -0.66, -0.35, 0.23], // decay
  [0.07, -0.14, 0.73, -0.66], // width on a partial of the voice
];
