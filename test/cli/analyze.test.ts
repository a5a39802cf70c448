import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateJams } from '../../src/pipeline/jams/validate.ts';
import { aPlace, type Place, run } from '../support/commands.ts';
import { installSmall } from '../support/models.ts';
import { writeTone } from '../support/tone.ts';

interface Song {
  file: string;
  folder?: string;
  error?: string;
  jams_url?: string;
  stems?: { blob_url: string }[];
}

let place: Place;

beforeAll(async () => {
  place = await aPlace();
});
afterAll(() => place.remove());

describe('npm run analyze', () => {
  it('analyses the demo song and leaves everything in out/', async () => {
    const out = join(place.folder, 'out');
    const { code, stdout, stderr } = await run('analyze', ['--out', out], place);
    expect(stderr).toContain('separate');
    expect(code, stderr).toBe(0);
    const [about, ...more] = stderr.split('\n').filter((line) => line.includes('spectral'));
    expect(about).toMatch(
      /could not be fetched: connection refused\. Going on with spectral; to get htdemucs: npm/,
    );
    expect(more).toEqual([]);
    for (const said of ['132.0 BPM', 'D major', '4/4', 'A4 = 440', 'verse', 'by spectral', 'annotation.jams'])
      expect(stdout).toContain(said);

    const folder = join(out, 'demo-song');
    const result = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'));
    expect(result).toMatchObject({
      status: 'completed',
      separator: { model: 'spectral', requested: 'htdemucs' },
    });
    validateJams(JSON.parse(readFileSync(join(folder, 'annotation.jams'), 'utf8')));
    for (const stem of ['vocals', 'drums', 'bass', 'other']) {
      const { file_size_bytes } = result.stems.find((s: { stem_type: string }) => s.stem_type === stem);
      expect(readFileSync(join(folder, 'stems', `${stem}.wav`)).length).toBe(file_size_bytes);
    }
  });

  it('goes on after a bad file, says what is wrong with it, and prints pure JSON', async () => {
    const good = join(place.folder, 'tone.wav');
    writeTone(good);
    const bad = join(place.folder, 'words.mp3');
    writeFileSync(bad, 'these are words');
    const out = join(place.folder, 'several');
    const { code, stdout, stderr } = await run('analyze', [bad, good, good, '--json', '--out', out], place);
    expect(code, stderr).toBe(1);
    const songs: Song[] = JSON.parse(stdout);
    expect(songs).toHaveLength(2);
    const byFile = (file: string) => songs.find((song) => song.file === file);
    expect(byFile(good)).toMatchObject({ status: 'completed', folder: join(out, 'tone') });
    expect(byFile(bad)?.error).toContain('unsupported_media');
    expect(stderr).not.toMatch(/\n\s+at /);
    // What the results name is there, on the disk as in the output.
    const { stems, jams_url, folder } = byFile(good) as Required<Song>;
    for (const path of [jams_url, ...stems.map(({ blob_url }) => blob_url)])
      expect(existsSync(path)).toBe(true);
    const written: Required<Song> = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'));
    for (const path of [written.jams_url, ...written.stems.map(({ blob_url }) => blob_url)])
      expect(existsSync(join(folder, path))).toBe(true);
    expect(readdirSync(out)).toEqual(['tone']);
  });

  it('tells of files and folders that will not do before anything starts', async () => {
    const good = join(place.folder, 'tone.wav');
    const missing = join(place.folder, 'nothing.wav');
    const fresh = { ...place, env: { ...place.env, LOCAL_DIR: join(place.folder, 'unused') } };
    const start = performance.now();
    const { code, stdout, stderr } = await run(
      'analyze',
      [missing, good, place.folder, '--out', good],
      fresh,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `${missing}: there is no such file.\n${place.folder}: that is a folder; name the audio files in it.\n` +
        `--out ${good}: that is a file, and a folder is needed.\n`,
    );
    expect(existsSync(fresh.env.LOCAL_DIR)).toBe(false);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('makes the stems that were asked for with the model that was asked for', async () => {
    await installSmall(place.env.MODELS_DIR, 'small');
    const song = join(place.folder, 'song.wav');
    writeTone(song, { seconds: 4 });
    const out = join(place.folder, 'stems');
    const args = [song, '--model', 'small', '--stems', 'vocals', '--out', out];
    const { code, stdout, stderr } = await run('analyze', args, place);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('spectral');
    expect(stdout).toContain('by small');
    expect(readdirSync(join(out, 'song', 'stems')).sort()).toEqual(['no_vocals.wav', 'vocals.wav']);
    const result = JSON.parse(readFileSync(join(out, 'song', 'result.json'), 'utf8'));
    expect(result.separator).toMatchObject({ model: 'small', precision: 'fp32', overlap: 0.25 });
  });

  it('does not go on with a fall-back that is not there or gives other stems', async () => {
    const stems = await run('analyze', ['--model', 'htdemucs_6s', '--stems', 'guitar'], place);
    const fallBack = await run('analyze', [], { ...place, env: { ...place.env, MODEL_FALLBACK: 'nobodys' } });
    for (const { code, stdout, stderr } of [stems, fallBack]) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('npm run models -- import');
      expect(stderr).not.toContain('Going on');
    }
  });

  it('refuses unknown options, models and stems', async () => {
    const usage = await run('analyze', ['--loud'], place);
    expect(usage.code).toBe(2);
    expect(usage.stderr).toContain('Usage');
    const model = await run('analyze', ['--model', 'magic'], place);
    expect(model.code).toBe(2);
    expect(model.stderr).toContain('magic');
    const stems = await run('analyze', ['--stems', 'vocals,oboe'], place);
    expect(stems.code).toBe(2);
    expect(stems.stderr).toContain("got 'oboe'");
  });

  it.each<Record<string, string>>([
    { DEMUCS_MODEL: 'magic' },
    { FFMPEG_PATH: '/nowhere/ffmpeg' },
    { AZURITE_QUEUE_PORT: 'blobs' },
  ])('names the wrong setting %o in a line', async (settings) => {
    const { code, stdout, stderr } = await run('analyze', [], {
      ...place,
      env: { ...place.env, ...settings },
    });
    const [[name, value]] = Object.entries(settings);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(`The setting ${name} is '${value}'`);
  });
});
