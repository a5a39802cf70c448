/** An outcome, what was known before it, and how much it counts. */
export interface Outcome {
  readonly evidence: number;
  readonly isRight: boolean;
  readonly weight: number;
}

/** Log odds as a straight line over the evidence. */
interface Line {
  readonly offset: number;
  readonly slope: number;
}

const ROUNDS = 50;
/** Halvings of a step that does not improve the fit, after which nothing does. */
const HALVINGS = 20;
/** Keep offset and slope finite where all is right, or the evidence tells right from wrong without a mistake. */
const OFFSET_RIDGE = 0.1;
const SLOPE_RIDGE = 1;

/** The line that fits best: logistic regression by Newton's method, its steps halved while they overshoot. */
export function fitLogistic(outcomes: readonly Outcome[]): Line {
  let line: Line = { offset: 0, slope: 1 };
  let best = loss(line, outcomes);
  for (let round = 0; round < ROUNDS; round++) {
    let [g0, g1] = [OFFSET_RIDGE * line.offset, SLOPE_RIDGE * (line.slope - 1)];
    let [h00, h01, h11] = [OFFSET_RIDGE, 0, SLOPE_RIDGE];
    for (const { evidence, isRight, weight } of outcomes) {
      const p = 1 / (1 + Math.exp(-(line.offset + line.slope * evidence)));
      const error = weight * (p - (isRight ? 1 : 0));
      const curvature = weight * p * (1 - p);
      g0 += error;
      g1 += error * evidence;
      h00 += curvature;
      h01 += curvature * evidence;
      h11 += curvature * evidence ** 2;
    }
    const determinant = h00 * h11 - h01 ** 2;
    let step = 1;
    for (let halving = 0; halving < HALVINGS; halving++, step /= 2) {
      const next = {
        offset: line.offset - (step * (h11 * g0 - h01 * g1)) / determinant,
        slope: line.slope - (step * (h00 * g1 - h01 * g0)) / determinant,
      };
      const value = loss(next, outcomes);
      if (value >= best) continue;
      line = next;
      best = value;
      break;
    }
  }
  return line;
}

/** Negative log-likelihood of the outcomes, and the ridges. */
function loss({ offset, slope }: Line, outcomes: readonly Outcome[]): number {
  let sum = 0.5 * (OFFSET_RIDGE * offset ** 2 + SLOPE_RIDGE * (slope - 1) ** 2);
  for (const { evidence, isRight, weight } of outcomes) {
    const z = (isRight ? -1 : 1) * (offset + slope * evidence);
    sum += weight * (Math.max(0, z) + Math.log1p(Math.exp(-Math.abs(z))));
  }
  return sum;
}
