import { describe, expect, it } from 'vitest';
import { SAMPLE_RATE, SongBuffer } from '../../../../src/pipeline/audio/song.ts';
import { beatFMeasure } from '../../../support/agreement.ts';
import { type Groove, type Pattern, play, rhythmOf, times } from './band.ts';

const ROCK: Pattern = {
  kick: 'x...xx..',
  snare: '..x...x.',
  hat: 'xoxoxoxo',
  beatsPerBar: 4,
};
const BALLAD: Pattern = {
  kick: 'x.......x.x.....',
  snare: '....x.......x...',
  hat: 'xoxoxoxoxoxoxoxo',
  beatsPerBar: 4,
};
const WALTZ: Pattern = { kick: 'x.....', snare: '..o.o.', hat: 'x.x.x.', beatsPerBar: 3 };
const SIX_EIGHT: Pattern = { kick: 'x.....', snare: '...x..', hat: 'xoooxo', beatsPerBar: 2 };
const FOUR_ON_THE_FLOOR: Pattern = {
  kick: 'x.x.x.x.',
  snare: '..x...x.',
  hat: '.x.x.x.x',
  beatsPerBar: 4,
};

const steady = (bpm: number) => () => bpm;
function expectFound(groove: Groove, meter: string, { positions = true } = {}) {
  const { song, beats } = play(groove);
  const rhythm = rhythmOf(song);
  expect(rhythm).not.toBeNull();
  if (!rhythm) return;
  expect(beatFMeasure(times(beats), times(rhythm.beats))).toBeGreaterThan(0.95);
  if (positions) {
    expect(`${rhythm.meter.count}/${rhythm.meter.unit}`).toBe(meter);
    expect(beatFMeasure(times(beats, 1), times(rhythm.beats, 1))).toBeGreaterThan(0.95);
  }
}

describe('the rhythm of a groove', () => {
  it.each([130, 160])('rock at %i bpm is not halved', (bpm) => {
    expectFound({ pattern: ROCK, bars: 16, bpm: steady(bpm), chords: true }, '4/4');
  });

  it('nor is it at 185 bpm', () => {
    // First and third beat sound the same here: either may be taken for the downbeat.
    const pattern = { ...ROCK, kick: 'x...x...' };
    expectFound({ pattern, bars: 16, bpm: steady(185), chords: true }, '4/4', { positions: false });
  });

  it.each([56, 75])('a ballad at %i bpm with sixteenths on the hi-hat is not doubled', (bpm) => {
    expectFound({ pattern: BALLAD, bars: 12, bpm: steady(bpm), chords: true }, '4/4');
  });

  it('beats lie on the kick drum, not on the hi-hats between', () => {
    expectFound({ pattern: FOUR_ON_THE_FLOOR, bars: 16, bpm: steady(126) }, '4/4', { positions: false });
  });

  it('a waltz has three beats in a bar', () => {
    expectFound({ pattern: WALTZ, bars: 20, bpm: steady(108) }, '3/4');
  });

  it('six-eight has two beats of three eighths', () => {
    expectFound({ pattern: SIX_EIGHT, bars: 20, bpm: steady(60), chords: true }, '6/8');
  });

  it('swung eighths do not pull the beat', () => {
    expectFound({ pattern: ROCK, bars: 16, bpm: steady(124), swing: 2 / 3 }, '4/4');
  });

  it('beats follow a tempo that rises from 100 to 125 bpm', () => {
    expectFound({ pattern: ROCK, bars: 20, bpm: (beat) => 100 + (25 * beat) / 80 }, '4/4');
  });

  it('beats follow a ritardando at the end', () => {
    expectFound({ pattern: ROCK, bars: 16, bpm: (beat) => (beat < 56 ? 112 : 112 - 5 * (beat - 56)) }, '4/4');
  });

  it('the tempo is fitted to the beats, better than a frame could tell', () => {
    const { song } = play({ pattern: ROCK, bars: 16, bpm: steady(117.3) });
    expect(rhythmOf(song)?.bpm).toBeCloseTo(117.3, 1);
  });
});

describe('the same song', () => {
  const { song } = play({ pattern: ROCK, bars: 12, bpm: steady(112) });
  const [samples] = song.read(0, song.frames);
  const original = rhythmOf(song);

  it.each([0.01, 3])('played %f times as loud has the same beats', (gain) => {
    const louder = rhythmOf(new SongBuffer(samples.map((v) => gain * v)));
    expect(louder?.beats.length).toBe(original?.beats.length);
    louder?.beats.forEach(({ time, position }, i) => {
      expect(time).toBeCloseTo(original?.beats[i].time ?? Number.NaN, 3);
      expect(position).toBe(original?.beats[i].position);
    });
  });

  it.each([0.9, 1.25])('stretched %f times has a tempo as much slower', (factor) => {
    const stretched = Float32Array.from({ length: Math.floor(samples.length * factor) - 1 }, (_, i) => {
      const at = i / factor;
      const before = Math.floor(at);
      return samples[before] + (at - before) * ((samples[before + 1] ?? 0) - samples[before]);
    });
    expect(rhythmOf(new SongBuffer(stretched))?.bpm).toBeCloseTo(112 / factor, 0);
  });
});

describe('what has no beat', () => {
  const signal = (seconds: number, at: (time: number) => number) =>
    new SongBuffer(Float32Array.from({ length: seconds * SAMPLE_RATE }, (_, i) => at(i / SAMPLE_RATE)));
  let state = 12345;
  const random = () => {
    state = (1103515245 * state + 12345) % 2 ** 31;
    return state / 2 ** 30 - 1;
  };

  it('bursts of noise as irregular as syllables', () => {
    const starts: number[] = [];
    for (let t = 0.2; t < 30; t += 0.12 + 0.2 * (1 + random()) + (random() > 0.7 ? 0.6 : 0)) starts.push(t);
    const rhythm = rhythmOf(
      signal(30, (t) => {
        const since = starts.findLast((start) => start <= t);
        if (since === undefined) return 0;
        const x = (t - since) / 0.18;
        return x < 1 ? 0.4 * Math.sin(Math.PI * x) ** 2 * random() : 0.001 * random();
      }),
    );
    expect(rhythm?.confidence.tempo ?? 0).toBeLessThan(0.35);
  });

  it('a drone that swells and fades', () => {
    const rhythm = rhythmOf(
      signal(
        30,
        (t) => 0.3 * Math.sin(2 * Math.PI * 110 * t) * (0.6 + 0.4 * Math.sin(0.9 * t + Math.sin(0.37 * t))),
      ),
    );
    expect(rhythm).toBeNull();
  });
});
