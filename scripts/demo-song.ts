/** Makes the demo song, `demo/demo-song.ogg`, and its truth, `demo/demo-song.truth.json`: `npm run demo-song`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { ffmpegPath } from '../src/pipeline/audio/ffmpeg.ts';
import { SAMPLE_RATE } from '../src/pipeline/audio/song.ts';
import { renderSong, type SectionPlan, type SongPlan } from './synth/song.ts';

const VERSE_MELODY = [
  [0, 2, 4, 2],
  [5, 4, 2, null],
  [0, 2, 4, 4],
  [5, 2, 0, null],
] as const;
const CHORUS_MELODY = [
  [7, 7, 10, 8],
  [8, 6, 8, null],
  [10, 10, 7, 5],
  [6, 8, 4, null],
] as const;

const intro: SectionPlan = {
  label: 'intro',
  chords: ['D:maj', 'G:maj', 'D:maj', 'A:maj'],
  drums: 'light',
  bass: false,
  pad: false,
};
const verse: SectionPlan = {
  label: 'verse',
  chords: ['D:maj', 'B:min', 'D:maj', 'B:min'],
  drums: 'plain',
  bass: true,
  pad: false,
  melody: VERSE_MELODY,
};
const chorus: SectionPlan = {
  label: 'chorus',
  chords: ['G:maj', 'A:maj', 'G:maj', 'A:maj'],
  drums: 'driving',
  bass: true,
  pad: true,
  melody: CHORUS_MELODY,
};
const outro: SectionPlan = {
  ...intro,
  label: 'outro',
  chords: ['G:maj', 'A:maj', 'D:maj', 'D:maj'],
  drums: 'none',
  pad: true,
};

export const DEMO_PLAN: SongPlan = {
  bpm: 132,
  meter: 4,
  key: 'D major',
  tuning: 440,
  leadIn: 0.5,
  sections: [intro, verse, chorus, verse, chorus, outro],
};

if (import.meta.main) {
  const { mix, truth } = renderSong(DEMO_PLAN);
  mkdirSync('demo', { recursive: true });
  await encode(mix.left, mix.right, 'demo/demo-song.ogg');
  writeFileSync(
    'demo/demo-song.truth.json',
    `${JSON.stringify({ id: 'demo-song', audio: 'demo-song.ogg', ...truth }, null, 2)}\n`,
  );
}

async function encode(left: Float32Array, right: Float32Array, path: string): Promise<void> {
  const samples = new Float32Array(2 * left.length);
  left.forEach((value, i) => {
    samples[2 * i] = value;
    samples[2 * i + 1] = right[i];
  });
  const args = ['-v', 'error', '-f', 'f32le', '-ar', `${SAMPLE_RATE}`, '-ac', '2', '-i', 'pipe:0'];
  const child = spawn(
    ffmpegPath(),
    [...args, '-c:a', 'libvorbis', '-q:a', '4', '-fflags', '+bitexact', '-flags:a', '+bitexact', '-y', path],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
    },
  );
  child.stdin.end(new Uint8Array(samples.buffer));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`ffmpeg ended with exit code ${code}.`);
}
