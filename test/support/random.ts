/** The same numbers, 0..1, from the same seed (Numerical Recipes' "quick and dirty" generator, 7.1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
