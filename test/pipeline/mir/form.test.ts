import { describe, expect, it } from 'vitest';
import type { SectionPlan } from '../../../scripts/synth/song.ts';
import { SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { soundFeatures } from '../../../src/pipeline/mir/features/features.ts';
import { VOICE_RATE } from '../../../src/pipeline/mir/features/voice.ts';
import { findSections } from '../../../src/pipeline/mir/form/sections.ts';
import { mean } from '../../../src/pipeline/mir/vectors.ts';
import { formFeatures, sectionsOf } from '../../support/form.ts';
import { section, song } from '../../support/songs.ts';

const SUNG = [
  [0, 2, 4, 2],
  [5, 4, 2, 4],
  [0, 2, 4, 4],
  [5, 2, 0, 2],
] as const;
/** Fast songs are short to render. */
const bpm = 180;

/** Without a cymbal or a fill at the edges: told apart by what is played. */
const soft: Partial<SectionPlan> = { drums: 'light' };
const a = section(['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'A:min', 'F:maj', 'C:maj'], soft);
const b = section(['F:maj', 'F:maj', 'C:maj', 'C:maj', 'D:7', 'D:7', 'G:maj', 'G:maj'], {
  ...soft,
  pad: true,
});
const intro = section(a.chords.slice(0, 4), soft);
const verse = section(a.chords, { drums: 'plain', melody: SUNG });
const chorus = section(['F:maj', 'G:maj', 'E:min', 'A:min', 'F:maj', 'G:maj', 'E:min', 'A:min'], {
  pad: true,
  melody: SUNG.toReversed(),
});
const bridge = section(['D:min', 'E:maj', 'D:min', 'E:maj'], { drums: 'none', melody: SUNG });
const outro = section(['C:maj', 'F:maj', 'C:maj', 'C:maj'], { drums: 'none', bass: false });

const starts = (sections: readonly { start: number }[]) => sections.map(({ start }) => start);
const labels = (sections: readonly { label: string }[]) => sections.map(({ label }) => label).join(' ');
const expectSameStarts = (found: readonly { start: number }[], truth: readonly { start: number }[]) => {
  expect(found).toHaveLength(truth.length);
  starts(found).forEach((start, i) => {
    expect(Math.abs(start - truth[i].start)).toBeLessThan(0.1);
  });
};

describe('the form of a song of verses and choruses', () => {
  const {
    song: audio,
    mix,
    truth,
  } = song({ bpm, sections: [intro, verse, chorus, verse, chorus, bridge, chorus, outro] });
  const beats = truth.beats.map((beat) => ({ ...beat, confidence: 1 }));
  const features = formFeatures(audio, beats, truth.duration);
  const found = findSections(features);

  it('has a boundary on the downbeat of every section, and what returns has one name', () => {
    expectSameStarts(found, truth.sections);
    expect(labels(found)).toBe('intro verse chorus verse chorus bridge chorus outro');
  });

  it('keeps its sections, at most some beats off, where downbeats are found on the wrong beat', () => {
    for (const late of [1, 2, 3]) {
      const wrong = beats.map((beat, i) => ({ ...beat, position: ((i - late + 4) % 4) + 1 }));
      const sections = findSections({ ...features, beats: wrong });
      const hits = truth.sections.filter(({ start }) =>
        sections.some((other) => Math.abs(other.start - start) < (3.1 * 60) / bpm),
      );
      expect(hits.length).toBeGreaterThanOrEqual(truth.sections.length - 1);
      expect(sections.length).toBeLessThanOrEqual(truth.sections.length + 1);
    }
  });

  it('is the same at any volume', () => {
    const [left, right] = [mix.left, mix.right].map((side) => side.map((v) => 0.2 * v));
    const quiet = findSections(formFeatures(new SongBuffer(left, right), beats, truth.duration));
    expect(starts(quiet)).toEqual(starts(found));
    expect(labels(quiet)).toBe(labels(found));
  });

  it('leaves no gaps and covers the whole song', () => {
    const { sections, chords, duration } = analyse(audio);
    for (const spans of [sections, chords]) {
      expect(spans[0].start).toBe(0);
      expect(spans.at(-1)?.end).toBe(duration);
      for (let i = 1; i < spans.length; i++) expect(spans[i].start).toBe(spans[i - 1].end);
    }
  });
});

describe('the form of a song', () => {
  it('AABA without cymbals or fills: the part that returns is the verse, the other one the bridge', () => {
    const { found, truth } = sectionsOf({
      bpm,
      sections: [a, a, b, a].map((part) => ({ ...part, melody: SUNG })),
    });
    const middle = found.find(({ label }) => label === 'bridge');
    const bar = (4 * 60) / bpm;
    expect(Math.abs((middle?.start ?? 0) - truth[2].start)).toBeLessThan(bar);
    expect(Math.abs((middle?.end ?? 0) - truth[2].end)).toBeLessThan(bar);
    expect(found.filter(({ label }) => label === 'verse').length).toBeGreaterThanOrEqual(2);
  });

  it('in three-four time', () => {
    const { found, truth } = sectionsOf({ bpm, meter: 3, sections: [verse, chorus, verse, chorus] });
    expectSameStarts(found, truth);
    expect(found[0].label).toBe(found[2].label);
    expect(found[1].label).toBe(found[3].label);
  });

  it('that is through-composed: what does not return has no name twice', () => {
    const parts = [
      section(['C:maj', 'C:maj', 'F:maj', 'F:maj', 'C:maj', 'C:maj', 'G:maj', 'G:maj'], soft),
      section(['A:min', 'E:min', 'A:min', 'E:min', 'A:min', 'E:min', 'A:min', 'E:min'], { pad: true }),
      section(['Bb:maj', 'Eb:maj', 'Bb:maj', 'Eb:maj', 'Bb:maj', 'Eb:maj', 'Bb:maj', 'Eb:maj'], {
        drums: 'none',
        pad: true,
      }),
      section(['D:maj', 'A:maj', 'D:maj', 'A:maj', 'D:maj', 'A:maj', 'D:maj', 'A:maj'], { drums: 'plain' }),
    ];
    const { found, truth } = sectionsOf({ bpm, sections: parts });
    expectSameStarts(found, truth);
    expect(new Set(found.map(({ label }) => label)).size).toBe(parts.length);
  });

  it('has hardly any sections where a loop never changes', () => {
    const { found } = sectionsOf({
      bpm,
      sections: [section(Array(8).fill(a.chords.slice(0, 4)).flat(), soft)],
    });
    expect(found.length).toBeLessThanOrEqual(2);
  });
});

describe('the movement of the voice', () => {
  it('is higher where somebody sings, whatever the band plays', () => {
    const { song: audio, truth } = song({ sections: [a, { ...a, melody: SUNG }] });
    const { voice: movement } = soundFeatures(audio);
    const half = Math.round((truth.duration / 2) * VOICE_RATE);
    expect(mean(movement.subarray(half))).toBeGreaterThan(3 * mean(movement.subarray(0, half)));
  });

  it('is nothing in silence', () => {
    const { voice: movement } = soundFeatures(new SongBuffer(new Float32Array(44_100)));
    expect(Math.max(...movement)).toBe(0);
  });
});
