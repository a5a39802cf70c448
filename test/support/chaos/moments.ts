import { STAGES, type Stage } from '../../../src/pipeline/contracts.ts';
import { random } from '../random.ts';

/** What is killed. */
export const VICTIMS = ['host', 'child', 'decoder', 'storage'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A kill that is to come. */
export interface Doom {
  readonly victim: Victim;
  /** The stage that it is aimed at; absent: any time. */
  readonly stage?: Stage;
  /** Where in the time within which it may come, 0..1. */
  readonly moment: number;
}

/** Spreads neighbouring numbers (Knuth's multiplicative hash). */
const SPREAD = 2_654_435_761;

/** Kills of the n-th run, the same for the same seed. Half are aimed at a stage: the late ones take less time than others. */
export function* doomsOf(seed: number, run: number): Generator<Doom, never> {
  const draw = random(Math.imul(seed * 1000 + run, SPREAD));
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)];
  for (;;) {
    const victim = oneOf(VICTIMS);
    const stage = draw() < 0.5 ? oneOf(STAGES) : undefined;
    yield { victim, stage, moment: draw() };
  }
}
