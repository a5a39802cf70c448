/**
 * `npm run bench:scale`: what more workers bring. Measures a song of three minutes with one and two computing processes
 * on this machine, then simulates 1 to 100 instances from the stages' measured costs. Writes `bench/results/scale-MODEL.md`
 * and `.svg`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SAMPLE_RATE } from '../src/pipeline/audio/song.ts';
import { wavBytes } from '../src/pipeline/audio/wav.ts';
import { readConfig } from '../src/pipeline/config.ts';
import type { ResultDocument } from '../src/pipeline/contracts.ts';
import { chooseSeparator } from '../src/pipeline/separation/registry.ts';
import { type PartRange, separationParts } from '../src/pipeline/stages/separate.ts';
import { aPlace, end, startWorker } from '../test/support/commands.ts';
import { completed, until } from '../test/support/runs.ts';
import { writeTone } from '../test/support/tone.ts';
import { plot } from './plot.ts';
import { measureQueueing, SONGS as QUEUED_SONGS, queueingReport } from './queueing.ts';
import {
  type Costs,
  firstComeFirstServed,
  mean,
  type Order,
  PLAIN_ORDER,
  simulate,
  WORKER_ORDER,
} from './simulation.ts';

const SECONDS = 180;
const INSTANCES = [1, 2, 3, 5, 10, 20, 30, 50, 100];
/** Songs that wait in the simulation of throughput: enough to keep every instance busy. */
const SONGS = 300;
const MEGABYTE = 1e6;
const RESULTS = join(import.meta.dirname, 'results');

/** Activities of a run beside the parts: download, analyze, assemble, upload, callback, cleanup. */
const OTHER_ACTIVITIES = 6;
/** Segments of a part where one song alone is to be ready as soon as may be. */
const SHORT_PART = 4;

const { values: options } = parseArgs({
  options: {
    /** A separator that is there (see `npm run models -- list`). */
    model: { type: 'string', default: 'spectral' },
    /** What the report calls it. */
    title: { type: 'string' },
  },
});
const fileName = `scale-${options.model}`;

/** Runs the song with so many computing processes; the result document. */
async function measure(workers: number): Promise<ResultDocument> {
  const place = await aPlace({
    WORKERS: String(workers),
    DEMUCS_MODEL: options.model,
    MODELS_DIR: readConfig().modelsDir,
  });
  const worker = await startWorker(place);
  try {
    const song = join(place.folder, 'song.mp3');
    writeTone(song, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
    const blob = place.container.getBlockBlobClient('song/song.mp3');
    await blob.uploadFile(song);
    const body = JSON.stringify({ audio_file_id: 'song', blob_uri: blob.url });
    await fetch(`${worker.url}/analyze`, { method: 'POST', body });
    return (await until(worker.url, 'song', completed)).result!;
  } finally {
    await end(worker.child, 'SIGKILL');
    place.remove();
  }
}

/**
 * The stages' costs on one computing process, from a run in which the analysis took turns with the separation; the song
 * in parts of `partSegments`, or of the separator's own length.
 */
function costsOf({ stage_seconds, stems, source }: ResultDocument, partSegments?: number): Costs {
  const separator = chooseSeparator(options.model, undefined, readConfig());
  const segments = Math.ceil((SECONDS * SAMPLE_RATE) / separator.stride_frames);
  const partsOf = (part_segments: number) => separationParts({ ...separator, segments, part_segments });
  // A network's part works through the segment before it as well.
  const lead = separator.precision === null ? 0 : 1;
  const worked = ({ first, end }: PartRange) => end - first + (first > 0 ? lead : 0);
  const { download = 0, separate = 0, analyze = 0, assemble = 0, upload = 0 } = stage_seconds;
  const measured = partsOf(separator.part_segments).reduce((sum, part) => sum + worked(part), 0);
  return {
    download,
    parts: partsOf(partSegments ?? separator.part_segments).map(
      (part) => ((separate - analyze) * worked(part)) / measured,
    ),
    analyze,
    publish: assemble + upload,
    decode: download,
    bytesRead: source.size_bytes,
    bytesWritten: (stems.length + separator.chord_stems.length / 2) * wavBytes(SECONDS * SAMPLE_RATE), // The copies are mono.
    blocks: (stems.length + separator.chord_stems.length) * segments,
  };
}

/** First result and mean completion of many songs at once, in times of one alone and of first come, first served. */
function queued(instances: number, order: Order): string {
  const songs = new Array<Costs>(QUEUED_SONGS).fill(costs);
  const { ended } = simulate(songs, { instances, order });
  const first = Math.min(...ended) / simulate(costs, { instances, songs: 1, order }).seconds;
  const average = mean(ended) / mean(firstComeFirstServed(songs, instances));
  return `${first.toFixed(2)}x | ${average.toFixed(2)}x`;
}

const queueing = await measureQueueing({
  DEMUCS_MODEL: options.model,
  MODELS_DIR: readConfig().modelsDir,
});
const one = await measure(1);
const two = await measure(2);
const costs = costsOf(one);
const finer = costsOf(one, SHORT_PART);
const rows = INSTANCES.map((instances) => ({
  instances,
  alone: simulate(costs, { instances, songs: 1 }),
  aloneFiner: simulate(finer, { instances, songs: 1 }),
  many: simulate(costs, { instances, songs: SONGS }),
}));
const perHour = (seconds: number) => (3600 * SONGS) / seconds;
const activities = costs.parts.length + OTHER_ACTIVITIES;

const table = [
  `| instances | one song alone | in parts of ${SHORT_PART} segments | songs an hour | share of ideal | written, MB/s | requests a second | activities a second |`,
  '| --: | --: | --: | --: | --: | --: | --: | --: |',
  ...rows.map(({ instances, alone, aloneFiner, many }) => {
    const rate = SONGS / many.seconds;
    const ideal = (rows[0].many.seconds / many.seconds / instances) * 100;
    const cells = [
      instances,
      `${alone.seconds.toFixed(1)} s`,
      `${aloneFiner.seconds.toFixed(1)} s`,
      perHour(many.seconds).toFixed(0),
      `${ideal.toFixed(0)} %`,
      ((rate * costs.bytesWritten) / MEGABYTE).toFixed(1),
      (rate * costs.blocks).toFixed(1),
      (rate * activities).toFixed(1),
    ];
    return `| ${cells.join(' | ')} |`;
  }),
].join('\n');

const title = options.title ?? options.model;
const work = (parts: readonly number[]) => parts.reduce((sum, seconds) => sum + seconds, 0);
const report = `# Scale: ${title}

Made by \`npm run bench:scale\`.

## Measured here

A song of three minutes, one instance on this machine with ${availableParallelism()} processors:

| computing processes | run | download | separate beside analyze | analyze | publish |
| --: | --: | --: | --: | --: | --: |
${[one, two].map((run, i) => row(i + 1, run)).join('\n')}

### Many songs at once

${queueingReport(queueing)}

## Simulated

Instances of one computing process each, stages as measured with one process; ${SONGS} songs that all wait at the beginning give the
throughput. A song has ${costs.parts.length} parts of separation and ${activities} activities, reads ${(costs.bytesRead / MEGABYTE).toFixed(1)} MB and writes ${(costs.bytesWritten / MEGABYTE).toFixed(0)} MB in ${costs.blocks} blocks.

${table}

${QUEUED_SONGS} songs that come at once: the first result over a song alone, and the mean completion over first come, first served (song
after song, each with all instances for itself). The worker's activity that completes a song's parts goes on with its late stages,
and downloads make way; beside it what a plain queue would give:

| instances | first | mean | first, plain | mean, plain |
| --: | --: | --: | --: | --: |
${INSTANCES.map((n) => `| ${n} | ${queued(n, WORKER_ORDER)} | ${queued(n, PLAIN_ORDER)} |`).join('\n')}

![Time of one song and throughput over instances](${fileName}.svg)

One song alone gains up to its ${costs.parts.length} parts and the analysis beside them; more instances bring nothing to it. Shorter parts
(\`SEPARATION_PART_SEGMENTS=${SHORT_PART}\`: ${finer.parts.length} parts) end it sooner on many instances, for ${((work(finer.parts) / work(costs.parts) - 1) * 100).toFixed(0)} % more work. Throughput grows with the
instances, and falls behind the ideal only by what every instance that helps with a song decodes for itself, and by the queue.
Neither comes near its border within a hundred instances: a storage account takes some 20 000 requests a second and 60
Gbit/s, the task hub some hundred activities a second. The plan's own limit of instances comes first.

Assumptions: instances are alike and as fast as this machine with one process; an activity waits 0.5 s for the queue to be
polled (Azure Storage backs off further only when idle); an instance that has not decoded a song does so once; network and
storage take what is written; an instance's start is not counted.
`;

function row(workers: number, { processing_time_seconds, stage_seconds: s }: ResultDocument): string {
  const publish = (s.assemble ?? 0) + (s.upload ?? 0);
  const cells = [processing_time_seconds, s.download, s.separate, s.analyze, publish];
  return `| ${workers} | ${cells.map((x = 0) => `${x.toFixed(2)} s`).join(' | ')} |`;
}

mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, `${fileName}.md`), report);
writeFileSync(
  join(RESULTS, `${fileName}.svg`),
  plot('instances', [
    { name: 'songs an hour', points: rows.map(({ instances, many }) => [instances, perHour(many.seconds)]) },
    {
      name: 'seconds for one song alone',
      points: rows.map(({ instances, alone }) => [instances, alone.seconds]),
    },
    {
      name: `the same in parts of ${SHORT_PART}`,
      points: rows.map(({ instances, aloneFiner }) => [instances, aloneFiner.seconds]),
    },
  ]),
);
console.log(report);
