import { describe, expect, it } from 'vitest';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { section, song } from '../../support/songs.ts';

const verse = section(['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'A:min', 'F:maj', 'G:maj'], {
  drums: 'plain',
});
const chorus = section(['F:maj', 'G:maj', 'E:min', 'A:min', 'F:maj', 'G:maj', 'E:min', 'A:min'], {
  pad: true,
});

describe('the form of a song', () => {
  it('puts a boundary on the downbeat of every section and gives what returns the same label', async () => {
    const { song: audio, truth } = song({ sections: [verse, chorus, verse, chorus] });
    const { sections } = analyse(audio);
    expect(sections).toHaveLength(4);
    sections.forEach(({ start }, i) => {
      expect(Math.abs(start - truth.sections[i].start)).toBeLessThan(0.1);
    });
    expect(sections[0].label).toBe(sections[2].label);
    expect(sections[1].label).toBe(sections[3].label);
    expect(sections[0].label).not.toBe(sections[1].label);
  });

  it('leaves no gaps and covers the whole song', async () => {
    const { song: audio } = song({ sections: [verse, chorus] });
    const { sections, chords, duration } = analyse(audio);
    for (const spans of [sections, chords]) {
      expect(spans[0].start).toBe(0);
      expect(spans.at(-1)?.end).toBe(duration);
      for (let i = 1; i < spans.length; i++) expect(spans[i].start).toBe(spans[i - 1].end);
    }
  });
});
