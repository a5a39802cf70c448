/**
 * `npm run bench:calibration -- --songs FOLDER`: whether confidences mean what they say. Analyses songs with known truth,
 * whole and in excerpts, and compares each estimate's confidence with how often such estimates are right. Writes
 * `bench/results/calibration.md` and `calibration.svg`, and prints the table for `src/pipeline/mir/confidence.ts` that
 * would make them agree.
 *
 * FOLDER holds `<id>.truth.json` files as in `demo/`, each with the name of its audio file under `audio`; `--songs` may be
 * given more than once.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decode } from '../src/pipeline/audio/decode.ts';
import { SAMPLE_RATE, type Song, SongFile, type StereoBlock } from '../src/pipeline/audio/song.ts';
import { analyse } from '../src/pipeline/mir/analyse.ts';
import { CONFIDENCE_MAPS, type Estimate, logOdds } from '../src/pipeline/mir/confidence.ts';
import { judge, type Truth, truthWithin, type Verdict } from './judge.ts';
import { fitLogistic } from './logistic.ts';
import { plot } from './plot.ts';

const RESULTS = join(import.meta.dirname, 'results');
/** Bins of confidence in the curves. */
const BINS = 10;
/** Fewest songs or excerpts in a bin of the plot: the beats of one are mostly right or wrong together. */
const FEWEST = 5;

const { values: options } = parseArgs({
  options: {
    songs: { type: 'string', multiple: true, default: ['demo'] },
    /** Lengths of the excerpts in seconds, beside the whole songs. */
    excerpts: { type: 'string', default: '30' },
  },
});

/** A part of a song, silent outside. */
class Excerpt implements Song {
  readonly frames: number;
  readonly #song: Song;
  readonly #first: number;

  constructor(song: Song, first: number, frames: number) {
    this.#song = song;
    this.#first = first;
    this.frames = frames;
  }

  read(start: number, count: number, into?: StereoBlock): StereoBlock {
    const channels = this.#song.read(this.#first + start, count, into);
    for (const samples of channels) {
      samples.fill(0, 0, Math.max(0, -start));
      samples.fill(0, Math.max(0, this.frames - start));
    }
    return channels;
  }
}

/** A verdict, and the song or excerpt that it is about. */
interface Heard extends Verdict {
  readonly recording: string;
}

async function judgeSong(folder: string, file: string, scratch: string): Promise<Heard[]> {
  const { audio, ...truth }: Truth & { audio: string } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const path = join(scratch, 'song.f32');
  await decode(join(folder, audio), path, { maxDurationSeconds: 3600, timeoutMs: 600_000 });
  using song = new SongFile(path);
  const heard = (recording: string, verdicts: readonly Verdict[]) =>
    verdicts.map((verdict) => ({ ...verdict, recording: `${file} ${recording}` }));
  const verdicts = heard('whole', judge(analyse(song), truth));
  for (const seconds of options.excerpts.split(',').map(Number)) {
    for (let from = 0; from + seconds <= truth.duration; from += seconds) {
      const excerpt = new Excerpt(song, Math.round(from * SAMPLE_RATE), seconds * SAMPLE_RATE);
      const truthThere = truthWithin(truth, from, from + seconds);
      verdicts.push(...heard(`${from} ${seconds}`, judge(analyse(excerpt), truthThere)));
    }
  }
  return verdicts;
}

interface Bin {
  readonly count: number;
  /** Songs and excerpts that the estimates are of. */
  readonly recordings: number;
  readonly confidence: number;
  readonly right: number;
}

function binsOf(verdicts: readonly Heard[]): Bin[] {
  return Array.from({ length: BINS }, (_, b) => {
    const inside = verdicts.filter(
      ({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === b,
    );
    const weight = sum(inside.map((v) => v.weight));
    return {
      count: inside.length,
      recordings: new Set(inside.map(({ recording }) => recording)).size,
      confidence: sum(inside.map((v) => v.weight * v.confidence)) / weight,
      right: sum(inside.map((v) => (v.isRight ? v.weight : 0))) / weight,
    };
  });
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Mean distance of confidence and share right over the bins, by the estimates in them. */
function calibrationError(bins: readonly Bin[]): number {
  const filled = bins.filter(({ count }) => count > 0);
  const total = sum(filled.map(({ count }) => count));
  return sum(filled.map(({ count, confidence, right }) => (count / total) * Math.abs(confidence - right)));
}

/** The line of `CONFIDENCE_MAPS` that fits these verdicts: the present one undone, and another fitted. */
function refitted(estimate: Estimate, verdicts: readonly Verdict[]): string {
  const { offset, slope } = CONFIDENCE_MAPS[estimate];
  const outcomes = verdicts.map(({ confidence, isRight, weight }) => ({
    evidence: (logOdds(confidence) - offset) / slope,
    isRight,
    weight,
  }));
  const fit = fitLogistic(outcomes);
  return `  ${estimate}: { offset: ${fit.offset.toFixed(2)}, slope: ${fit.slope.toFixed(2)} },`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

const scratch = mkdtempSync(join(tmpdir(), 'bench-calibration-'));
const verdicts: Heard[] = [];
let songs = 0;
try {
  for (const folder of options.songs)
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.truth.json'))) {
      verdicts.push(...(await judgeSong(folder, file, scratch)));
      process.stderr.write(`\r${++songs} songs`);
    }
} finally {
  rmSync(scratch, { recursive: true });
}

const estimates = [...new Set(verdicts.map(({ estimate }) => estimate))];
const curves = estimates.map((estimate) => {
  const own = verdicts.filter((verdict) => verdict.estimate === estimate);
  return { estimate, own, bins: binsOf(own) };
});
const report = `# Calibration

Made by \`npm run bench:calibration\`: ${songs} songs, whole and in excerpts of ${options.excerpts.replaceAll(',', ' and ')} s. Each cell: the share of
estimates with such a confidence that are right, and how many they are (chords: right by time).

| confidence | ${curves.map(({ estimate }) => estimate).join(' | ')} |
| :-- | ${curves.map(() => '--:').join(' | ')} |
${Array.from({ length: BINS }, (_, b) => {
  const cells = curves.map(({ bins }) =>
    bins[b].count ? `${percent(bins[b].right)} of ${bins[b].count}` : '',
  );
  return `| ${(b / BINS).toFixed(1)} to ${((b + 1) / BINS).toFixed(1)} | ${cells.join(' | ')} |`;
}).join('\n')}
| all right | ${curves.map(({ own }) => percent(sum(own.map((v) => (v.isRight ? v.weight : 0))) / sum(own.map((v) => v.weight)))).join(' | ')} |
| mean error | ${curves.map(({ bins }) => percent(calibrationError(bins))).join(' | ')} |

![Share right over confidence](calibration.svg)
`;
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, 'calibration.md'), report);
writeFileSync(
  join(RESULTS, 'calibration.svg'),
  plot(
    'confidence (upwards: share right)',
    [
      {
        name: 'as it should be',
        points: [
          [0, 0],
          [0.5, 0.5],
          [1, 1],
        ],
      },
      ...curves.map(({ estimate, bins }) => ({
        name: estimate,
        points: bins.flatMap(({ recordings, confidence, right }): [number, number][] =>
          recordings >= FEWEST ? [[confidence, right]] : [],
        ),
      })),
    ],
    'unit',
  ),
);
console.log(`\n${report}\nFor src/pipeline/mir/confidence.ts:\n`);
for (const { estimate, own } of curves) console.log(refitted(estimate, own));
