/** An outcome, what was known before it, and how much it counts. */
export interface Outcome {
  readonly evidence: number;
  readonly isRight: boolean;
  readonly weight: number;
}

const ROUNDS = 50;
/** Keep offset and slope finite where all is right, or the evidence tells right from wrong without a mistake. */
const OFFSET_RIDGE = 0.1;
const SLOPE_RIDGE = 1;

/** Offset and slope of the log odds over the evidence: logistic regression by Newton's method. */
export function fitLogistic(outcomes: readonly Outcome[]): { offset: number; slope: number } {
  let offset = 0;
  let slope = 1;
  for (let round = 0; round < ROUNDS; round++) {
    let [g0, g1] = [OFFSET_RIDGE * offset, SLOPE_RIDGE * (slope - 1)];
    let [h00, h01, h11] = [OFFSET_RIDGE, 0, SLOPE_RIDGE];
    for (const { evidence, isRight, weight } of outcomes) {
      const p = 1 / (1 + Math.exp(-(offset + slope * evidence)));
      const error = weight * (p - (isRight ? 1 : 0));
      const curvature = weight * p * (1 - p);
      g0 += error;
      g1 += error * evidence;
      h00 += curvature;
      h01 += curvature * evidence;
      h11 += curvature * evidence ** 2;
    }
    const determinant = h00 * h11 - h01 ** 2;
    offset -= (h11 * g0 - h01 * g1) / determinant;
    slope -= (h00 * g1 - h01 * g0) / determinant;
  }
  return { offset, slope };
}
