import { type RenderedSong, renderSong, type SectionPlan, type SongPlan } from '../../scripts/synth/song.ts';
import { SongBuffer } from '../../src/pipeline/audio/song.ts';

const LOOP: SectionPlan = {
  label: 'A',
  chords: ['C:maj', 'A:min', 'F:maj', 'G:maj', 'C:maj', 'A:min', 'F:maj', 'G:maj'],
  drums: 'driving',
  bass: true,
  pad: false,
};

/** A song of one loop, unless `plan` says otherwise, with its truth. */
export function song(plan: Partial<SongPlan> = {}): RenderedSong & { song: SongBuffer } {
  const rendered = renderSong({
    bpm: 120,
    meter: 4,
    key: 'C major',
    tuning: 440,
    leadIn: 0.3,
    sections: [LOOP],
    ...plan,
  });
  return { ...rendered, song: new SongBuffer(rendered.mix.left, rendered.mix.right) };
}

/** A section of the test loop's sound with chords of its own. */
export const section = (chords: readonly string[], more: Partial<SectionPlan> = {}): SectionPlan => ({
  ...LOOP,
  chords,
  ...more,
});
