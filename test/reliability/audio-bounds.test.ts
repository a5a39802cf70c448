import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { AudioFolder } from '../support/audio.ts';
import { wavOf } from '../support/frames.ts';

const LIMITS = { maxDurationSeconds: 60, timeoutMs: 20_000 };
const DESCRIPTION =
  "Input #0, wav, from 'a':\n  Duration: 00:00:10.00\n  Stream #0:0: Audio: pcm_s16le, 44100 Hz, mono, s16";

const folder = new AudioFolder();
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder.at('pid'), { force: true });
  expect(readdirSync(folder.path).filter((name) => /f32|partial/.test(name))).toEqual([]);
});
afterAll(() => folder.remove());

/** A decoder that describes a file, and then, told to decode it, does `work` in place of that; its process id in `pid`. */
function decoderThat(work: string): void {
  const program = folder.write(
    'decoder',
    `#!/bin/sh\ncase "$*" in -version) echo "ffmpeg version 9.0";; *pipe:1) echo $$ > '${folder.at('pid')}'; ${work};; *) echo "${DESCRIPTION}" >&2; exit 1;; esac\n`,
  );
  chmodSync(program, 0o755);
  vi.stubEnv('FFMPEG_PATH', program);
}
const song = () => folder.write('song.wav', wavOf(Buffer.alloc(88_200), 1));
const decoded = (options: object = {}, source = song()) =>
  decode(source, folder.at('song.f32'), { ...LIMITS, ...options });
/** Whether the process that wrote its id is still there. */
function isAlive(): boolean {
  try {
    const pid = Number(readFileSync(folder.at('pid'), 'utf8'));
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('what a file claims is looked at before it is decoded', () => {
  it.each([
    ['1 Hz', 1, 2],
    ['100 Hz', 100, 1],
    ['10 MHz', 10_000_000, 2],
    ['1 GHz', 1_000_000_000, 2],
    ['4 GHz', 4_294_967_295, 2],
    ['100 channels', 44_100, 100],
    ['65,535 channels', 44_100, 65_535],
  ])('%s: refused at once', async (_, rate, channels) => {
    const started = performance.now();
    const source = folder.write('absurd.wav', wavOf(Buffer.alloc(400_000, 1), channels, 400_000, rate));
    await expect(decoded({}, source)).rejects.toMatchObject({ code: 'unsupported_media' });
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe.skipIf(process.platform === 'win32')('the decoder is bounded and interruptible', () => {
  it('one that takes too much memory is ended, and the message names limit and setting', async () => {
    decoderThat(
      `exec '${process.execPath}' -e 'const a = []; setInterval(() => a.push(Buffer.alloc(3e7, 1)), 20)'`,
    );
    await expect(decoded({ memoryBytes: 300e6 })).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/took \d+ MB.*DECODER_MEMORY_MB allows 300/),
    });
    expect(isAlive()).toBe(false);
  });

  it.each([
    ['one that writes', 'exec cat /dev/zero >&3'],
    ['one that writes nothing', 'exec sleep 60'],
  ])('a signal ends %s within a second, with its reason', async (_, work) => {
    decoderThat(work);
    const abort = new AbortController();
    const running = decoded({ signal: abort.signal });
    const outcome = expect(running).rejects.toMatchObject({ code: 'canceled' });
    await vi.waitFor(() => expect(isAlive()).toBe(true), { timeout: 10_000 });
    const started = performance.now();
    abort.abort(new WorkerError('canceled', 'The run was canceled.'));
    await outcome;
    expect(performance.now() - started).toBeLessThan(1000);
    expect(isAlive()).toBe(false);
  });

  it('a signal that came before keeps it from starting', async () => {
    decoderThat('exec sleep 60');
    const reason = new WorkerError('interrupted', 'The worker is being stopped.');
    await expect(decoded({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('time ends one that writes nothing', async () => {
    decoderThat('exec sleep 60');
    await expect(decoded({ timeoutMs: 700 })).rejects.toMatchObject({ code: 'timed_out' });
    expect(isAlive()).toBe(false);
  });

  it.runIf(process.platform === 'linux')('it does not outlive a worker that is killed', async () => {
    decoderThat('exec sleep 60');
    copyFileSync(song(), folder.at('other.wav'));
    const source = JSON.stringify([folder.at('other.wav'), folder.at('other-song'), LIMITS]);
    const module = JSON.stringify(new URL('../../src/pipeline/audio/decode.ts', import.meta.url).href);
    const code = `const { decode } = await import(${module}); await decode(...${source});`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
    await vi.waitFor(() => expect(isAlive()).toBe(true), { timeout: 10_000 });
    worker.kill('SIGKILL');
    await once(worker, 'close');
    await vi.waitFor(() => expect(isAlive()).toBe(false), { timeout: 2000 });
    for (const name of readdirSync(folder.path).filter((file) => file.startsWith('other-song')))
      rmSync(folder.at(name));
  });
});
