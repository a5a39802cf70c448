import { mean, median } from '../vectors.ts';
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
/** An intro or outro that returns must be quieter than this share of the median section. */
const QUIET = 0.8;
/** Longest intro or outro, as a share of the song. */
const LONGEST_EDGE = 0.3;

/**
 * A label for each section: intro and outro at the ends, chorus for the kind that returns most and loudest, verse for
 * the others that return, bridge for a late one that doesn't; letters where there are more kinds than names.
 */
export function labelSections(sections: readonly BarRange[], similarity: SelfSimilarity): string[] {
  const kinds = kindsOf(sections, similarity);
  const loudness = sections.map((section) => meanLoudness(section, similarity));
  const total = similarity.bars;
  const labels: (string | null)[] = sections.map(() => null);
  const last = sections.length - 1;
  const short = ({ start, end }: BarRange) => end - start <= LONGEST_EDGE * total;
  const typical = median(loudness) ?? 0;
  const stands = (index: number) =>
    kinds.filter((kind) => kind === kinds[index]).length === 1 || loudness[index] < QUIET * typical;
  if (sections.length > 2 && short(sections[0]) && stands(0)) labels[0] = 'intro';
  if (sections.length > 2 && short(sections[last]) && stands(last)) labels[last] = 'outro';

  const groups = new Map<number, { count: number; loudness: number; members: number[] }>();
  kinds.forEach((kind, i) => {
    if (labels[i]) return;
    const group = groups.get(kind) ?? { count: 0, loudness: 0, members: [] };
    group.count++;
    group.loudness = Math.max(group.loudness, loudness[i]);
    group.members.push(i);
    groups.set(kind, group);
  });
  const returning = [...groups.values()].filter(({ count }) => count > 1);
  const chorus = returning.toSorted(
    (a, b) => b.count * b.loudness - a.count * a.loudness || b.loudness - a.loudness,
  )[0];
  const name = (members: readonly number[], label: string) => {
    for (const i of members) labels[i] = label;
  };
  if (chorus) name(chorus.members, 'chorus');
  const rest = [...groups.values()].filter((group) => group !== chorus);
  const names = ['verse', ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  for (const { members, count } of rest) {
    const late = sections[members[0]].start > total / 2;
    if (chorus && count === 1 && late && !labels.includes('bridge')) name(members, 'bridge');
    else name(members, names.shift() ?? 'instrumental');
  }
  return labels.map((label) => label ?? 'instrumental');
}

/** A number for each section, equal for sections of one kind: average-linkage clustering of their similarities. */
function kindsOf(sections: readonly BarRange[], similarity: SelfSimilarity): number[] {
  const typical = overallMean(similarity);
  const limit = typical + SAME_KIND * (1 - typical);
  let clusters = sections.map((_, i) => [i]);
  const alike = sections.map((a) => sections.map((b) => likeness(a, b, similarity)));
  for (;;) {
    let best = limit;
    let pair: [number, number] | null = null;
    for (let a = 0; a < clusters.length; a++)
      for (let b = a + 1; b < clusters.length; b++) {
        const links = clusters[a].flatMap((i) => clusters[b].map((j) => alike[i][j]));
        const linkage = mean(links);
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

function meanLoudness({ start, end }: BarRange, { loudness }: SelfSimilarity): number {
  return mean(loudness.slice(start, end));
}
