import type { Song, StereoBlock } from '../audio/song.ts';
import type { SeparatedSegment, SeparationRange, Separator } from './separator.ts';

/** Name of what a stem leaves of the song: `no_vocals` is the song without the vocals. */
export const complementOf = (stem: string): string => `no_${stem}`;
export const isComplement = (stem: string): boolean => stem.startsWith(complementOf(''));

/** Gives beside a separator's stems what each of them leaves of the song: the song minus the stem. */
export class ComplementSeparator implements Separator {
  readonly stems: readonly string[];
  readonly strideFrames: number;

  readonly #separator: Separator;

  /** The separator is closed with this one. */
  constructor(separator: Separator) {
    this.#separator = separator;
    this.stems = [...separator.stems, ...separator.stems.map(complementOf)];
    this.strideFrames = separator.strideFrames;
  }

  async *separate(song: Song, range: SeparationRange): AsyncGenerator<SeparatedSegment> {
    const own = this.#separator.stems;
    const given = own.filter(
      (stem) => range.stems.includes(stem) || range.stems.includes(complementOf(stem)),
    );
    for await (const segment of this.#separator.separate(song, { ...range, stems: given })) {
      const mix = song.read(segment.start, segment.length);
      const stems = range.stems.map((name): [string, StereoBlock] => {
        const stem = given.find((each) => complementOf(each) === name);
        return [name, stem === undefined ? segment.stems[name] : difference(mix, segment.stems[stem])];
      });
      yield { ...segment, stems: Object.fromEntries(stems) };
    }
  }

  close(): Promise<void> {
    return this.#separator.close();
  }
}

function difference(mix: StereoBlock, stem: StereoBlock): StereoBlock {
  const [left, right] = mix.map((samples, c) => samples.map((sample, i) => sample - stem[c][i]));
  return [left, right];
}
