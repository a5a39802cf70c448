import { mean, median } from '../vectors.ts';
import { type BarRange, kindsOf } from './section-kinds.ts';
import type { SelfSimilarity } from './self-similarity.ts';

/** What is quieter than this share of the song's typical section is quiet. */
const QUIET = 0.8;
/** What has less than this share of the typical section's movement of the voice is not sung. */
const UNSUNG = 0.45;
/** Longest intro or outro, as a share of the song. */
const LONGEST_EDGE = 0.3;
/** Where a bridge's middle lies at the earliest, as a share of the song. */
const EARLIEST_BRIDGE = 0.45;
/** Names of the kinds that no function is known of. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Sections of one kind that are neither intro nor outro. */
interface Group {
  /** Indices of the sections, ascending. */
  readonly members: readonly number[];
  /** Mean level of the loudest one. */
  readonly loudness: number;
  readonly isSung: boolean;
}

/**
 * A label for each section: intro and outro at the ends where they are quiet, unsung or unlike the rest; chorus for
 * the kind that returns most and loudest, verse for the others that return; bridge for a late one that doesn't,
 * instrumental for one that isn't sung, solo for an unsung repetition of a sung kind; letters where there are more kinds
 * than names.
 */
export function labelSections(sections: readonly BarRange[], similarity: SelfSimilarity): string[] {
  const kinds = kindsOf(sections, similarity);
  const loudness = sections.map(({ start, end }) => mean(similarity.loudness.slice(start, end)));
  const voice = sections.map(({ start, end }) => mean(similarity.voice.slice(start, end)));
  const isSung = (i: number) => voice[i] >= UNSUNG * (median(voice) ?? 0);
  const isQuiet = (i: number) => loudness[i] < QUIET * (median(loudness) ?? 0);
  const labels: (string | undefined)[] = sections.map(() => undefined);

  for (const { label, members } of edgesOf(sections, similarity.bars)) {
    for (const i of members) {
      const isAlone = i === members[0] && kinds.filter((kind) => kind === kinds[i]).length === 1;
      if (!isAlone && isSung(i) && !isQuiet(i)) break;
      labels[i] = label;
    }
  }
  const inner = [...sections.keys()].filter((i) => !labels[i]);
  const groups = [...new Set(inner.map((i) => kinds[i]))].map((kind): Group => {
    const all = inner.filter((i) => kinds[i] === kind);
    const sung = all.filter(isSung);
    const members = sung.length > 0 ? sung : all;
    for (const i of all) if (!members.includes(i)) labels[i] = 'solo';
    return {
      members,
      loudness: Math.max(...members.map((i) => loudness[i])),
      isSung: sung.length > 0,
    };
  });
  const middleOf = ({ start, end }: BarRange) => (start + end) / 2 / similarity.bars;
  const names = nameGroups(groups, (i) => middleOf(sections[i]) > EARLIEST_BRIDGE);
  groups.forEach(({ members }, g) => {
    for (const i of members) labels[i] = names[g];
  });
  return labels.map((label) => label ?? LETTERS[0]);
}

/** A name for each group; `groups` in the order of their first sections. */
function nameGroups(groups: readonly Group[], isLate: (section: number) => boolean): string[] {
  const returning = groups.filter(({ members }) => members.length > 1);
  const prominence = ({ members, loudness }: Group) => members.length * loudness;
  const foremost = returning.toSorted((a, b) => prominence(b) - prominence(a))[0];
  // Where only what the song begins with returns, that is the verse of a song form such as AABA.
  const isSongForm = returning.length === 1 && foremost === groups[0];
  const free = [...(isSongForm ? [] : ['verse']), ...LETTERS];
  let hasBridge = false;
  return groups.map((group) => {
    if (group === foremost) return isSongForm ? 'verse' : 'chorus';
    if (foremost && group.members.length === 1) {
      if (!hasBridge && isLate(group.members[0])) {
        hasBridge = true;
        return 'bridge';
      }
      if (!group.isSung) return 'instrumental';
    }
    return free.shift() ?? 'instrumental';
  });
}

/** The sections that an intro or an outro can consist of: from the first or the last one inwards, as long as it is short. */
function edgesOf(sections: readonly BarRange[], bars: number): { label: string; members: number[] }[] {
  if (sections.length < 3) return [];
  const all = [...sections.keys()];
  return [
    { label: 'intro', members: all.filter((i) => sections[i].end <= LONGEST_EDGE * bars) },
    { label: 'outro', members: all.filter((i) => bars - sections[i].start <= LONGEST_EDGE * bars).reverse() },
  ];
}
