import { describe, expect, it } from 'vitest';
import { noise } from '../../../scripts/synth/instruments.ts';
import {
  type Chain,
  mostLikely,
  mostLikelyByPairs,
  probabilities,
} from '../../../src/pipeline/mir/harmony/chain.ts';

const random = noise(5);
const CHAIN: Chain = {
  potentials: Array.from({ length: 5 }, () => Float64Array.from({ length: 3 }, () => 2 * random())),
  changeCosts: [0, 1.5, 0.5, 2, 1],
};

/** Every sequence of states, with its score. */
function sequences({ potentials, changeCosts }: Chain): { states: number[]; score: number }[] {
  let all: { states: number[]; score: number }[] = [{ states: [], score: 0 }];
  potentials.forEach((row, i) => {
    all = all.flatMap(({ states, score }) =>
      [...row].flatMap((potential, s) => {
        const next = { states: [...states, s], score: score + potential };
        if (i === 0) return [next];
        // A change may also lead back to the state itself.
        const changed = { ...next, score: next.score - changeCosts[i] };
        return s === states[i - 1] ? [next, changed] : [changed];
      }),
    );
  });
  return all;
}

describe('the chain of states', () => {
  it('finds the sequence of the highest score', () => {
    const best = sequences(CHAIN).reduce((a, b) => (b.score > a.score ? b : a));
    expect(mostLikely(CHAIN)).toEqual(best.states);
  });

  it('finds the sequence of the highest score where each change has its own cost', () => {
    const costs = [
      [0, 0.3, 2],
      [1, 0, 0.2],
      [0.5, 3, 0],
    ].map((row) => Float64Array.from(row));
    const scored = sequences(CHAIN).map(({ states }) => ({
      states,
      score: states.reduce(
        (sum, s, i) => sum + CHAIN.potentials[i][s] - (i === 0 ? 0 : costs[s][states[i - 1]]),
        0,
      ),
    }));
    const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
    expect(mostLikelyByPairs(CHAIN.potentials, costs)).toEqual(best.states);
  });

  it('gives each state the share of all sequences through it', () => {
    const all = sequences(CHAIN).map(({ states, score }) => ({ states, weight: Math.exp(score) }));
    const total = all.reduce((sum, { weight }) => sum + weight, 0);
    probabilities(CHAIN).forEach((row, i) => {
      row.forEach((probability, s) => {
        const through = all.filter(({ states }) => states[i] === s);
        expect(probability).toBeCloseTo(through.reduce((sum, { weight }) => sum + weight, 0) / total, 10);
      });
    });
  });

  it('stays in a state through a weak contradiction', () => {
    const potentials = [0, 0, 1, 0, 0].map((odd) => Float64Array.from([1 - odd, odd]));
    expect(mostLikely({ potentials, changeCosts: [1, 1, 1, 1, 1] })).toEqual([0, 0, 0, 0, 0]);
    expect(mostLikely({ potentials, changeCosts: [0.1, 0.1, 0.1, 0.1, 0.1] })).toEqual([0, 0, 1, 0, 0]);
  });

  it('has nothing to say of no intervals', () => {
    expect(mostLikely({ potentials: [], changeCosts: [] })).toEqual([]);
    expect(probabilities({ potentials: [], changeCosts: [] })).toEqual([]);
  });
});
