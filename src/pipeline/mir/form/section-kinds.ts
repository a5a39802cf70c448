import { mean } from '../vectors.ts';
import type { SelfSimilarity } from './self-similarity.ts';

/** A section in bars, `end` exclusive. */
export interface BarRange {
  readonly start: number;
  readonly end: number;
}

/** Shares of harmony and timbre in how alike two sections are. */
const HARMONY_SHARE = 0.65;
/** Similarity over the song's own mean that makes two sections one kind, as a share of the way to 1. */
const SAME_KIND = 0.55;

/** A number for each section, equal for sections of one kind: average-linkage clustering of their likeness. */
export function kindsOf(sections: readonly BarRange[], similarity: SelfSimilarity): number[] {
  const typical = overallMean(similarity);
  const limit = typical + SAME_KIND * (1 - typical);
  let clusters = sections.map((_, i) => [i]);
  const alike = sections.map((a) => sections.map((b) => likeness(a, b, similarity)));
  for (;;) {
    let best = limit;
    let pair: [number, number] | null = null;
    for (let a = 0; a < clusters.length; a++)
      for (let b = a + 1; b < clusters.length; b++) {
        const linkage = mean(clusters[a].flatMap((i) => clusters[b].map((j) => alike[i][j])));
        if (linkage > best) {
          best = linkage;
          pair = [a, b];
        }
      }
    if (!pair) break;
    const [a, b] = pair;
    clusters = [...clusters.filter((_, i) => i !== a && i !== b), [...clusters[a], ...clusters[b]]];
  }
  const kinds: number[] = [];
  clusters.forEach((members, kind) => {
    for (const i of members) kinds[i] = kind;
  });
  return kinds;
}

/** Mean similarity bar by bar, the shorter section laid on the longer one where it fits best, in whole bars. */
function likeness(a: BarRange, b: BarRange, similarity: SelfSimilarity): number {
  const [short, long] = a.end - a.start <= b.end - b.start ? [a, b] : [b, a];
  const length = short.end - short.start;
  let best = 0;
  for (let offset = 0; offset <= long.end - long.start - length; offset++) {
    let sum = 0;
    for (let k = 0; k < length; k++) sum += both(similarity, short.start + k, long.start + offset + k);
    best = Math.max(best, sum / length);
  }
  return best;
}

const both = ({ harmony, timbre, bars }: SelfSimilarity, i: number, j: number) =>
  HARMONY_SHARE * harmony[i * bars + j] + (1 - HARMONY_SHARE) * timbre[i * bars + j];

function overallMean(similarity: SelfSimilarity): number {
  const { bars } = similarity;
  let sum = 0;
  for (let i = 0; i < bars; i++) for (let j = 0; j < bars; j++) sum += both(similarity, i, j);
  return sum / Math.max(1, bars * bars);
}
