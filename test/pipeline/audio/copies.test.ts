import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CopySettings,
  holdFolder,
  removeFolder,
  sweepCopies,
} from '../../../src/pipeline/audio/copies/copies.ts';

const MEGABYTE = 1_000_000;
const MINUTE = 60_000;

let workDir: string;
let others: ChildProcess[] = [];
beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'copies-'));
});
afterEach(async () => {
  for (const other of others) await kill(other);
  others = [];
  rmSync(workDir, { recursive: true });
});

const settings = (more: Partial<CopySettings> = {}): CopySettings => ({
  workDir,
  localCopyMs: 10 * MINUTE,
  minFreeDiskBytes: 0,
  workDirMaxBytes: 1e9,
  ...more,
});
const keyOf = (letter: string) => letter.repeat(24);
const there = () => readdirSync(workDir).sort();

/** A decoded song that was last used so long ago. */
function makeCopy(letter: string, { megabytes = 1, minutesAgo = 0 } = {}): string {
  const folder = join(workDir, keyOf(letter));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'song.f32'), Buffer.alloc(megabytes * MEGABYTE));
  writeFileSync(join(folder, 'song.json'), '{}');
  const used = new Date(Date.now() - minutesAgo * MINUTE);
  utimesSync(join(folder, 'song.json'), used, used);
  return folder;
}

/** Another process that runs `script` with `holdFolder` and these settings; it has said `ready`. */
async function otherProcess(script: string, of = settings()): Promise<ChildProcess> {
  const module = pathToFileURL('dist/pipeline/audio/copies/copies.js').href;
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { holdFolder, sweepCopies } from '${module}';
       const settings = ${JSON.stringify(of)};
       ${script}`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  others.push(child);
  await once(child.stdout!, 'data');
  return child;
}

const holding = (letter: string) => `
  await holdFolder('${keyOf(letter)}', settings);
  console.log('ready');
  setInterval(() => {}, 1000);`;

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('a sweep', () => {
  it('removes copies that were not used for a while, and leaves the others', async () => {
    makeCopy('a', { minutesAgo: 11 });
    makeCopy('b', { minutesAgo: 9 });
    await sweepCopies(settings());
    expect(there()).toEqual([keyOf('b')]);
  });

  it('removes what a killed process has left half made, and keeps its whole copies', async () => {
    const half = join(workDir, keyOf('a'));
    const whole = makeCopy('b');
    const other = await otherProcess(`
      import { mkdirSync, writeFileSync } from 'node:fs';
      const a = await holdFolder('${keyOf('a')}', settings);
      const b = await holdFolder('${keyOf('b')}', settings);
      writeFileSync(\`\${a.path}/encoded.\${a.id}\`, 'x');
      writeFileSync(\`\${a.path}/song.\${a.id}.f32.1.partial\`, 'x');
      mkdirSync(\`\${b.path}/chords-\${b.id}-abcdef\`);
      writeFileSync(\`\${b.path}/chords-\${b.id}-abcdef/accompaniment.f32\`, 'x');
      console.log('ready');
      setInterval(() => {}, 1000);`);
    const before = [readdirSync(half), readdirSync(whole)];
    await sweepCopies(settings());
    expect([readdirSync(half), readdirSync(whole)]).toEqual(before);
    await kill(other);
    await sweepCopies(settings());
    expect(there()).toEqual([keyOf('b')]);
    expect(readdirSync(whole)).toEqual(['song.f32', 'song.json']);
  });

  it('takes the longest unused ones until the rest is within the limit, and none that is in use', async () => {
    makeCopy('a', { megabytes: 3, minutesAgo: 5 });
    makeCopy('b', { megabytes: 3, minutesAgo: 4 });
    makeCopy('c', { megabytes: 3, minutesAgo: 3 });
    makeCopy('d', { megabytes: 3, minutesAgo: 2 });
    await using _a = await holdFolder(keyOf('a'), settings());
    await otherProcess(holding('b'));
    await sweepCopies(settings({ workDirMaxBytes: 9.5 * MEGABYTE }));
    expect(there()).toEqual(['a', 'b', 'd'].map(keyOf));
    await sweepCopies(settings({ workDirMaxBytes: 1, localCopyMs: 0 }));
    expect(there()).toEqual(['a', 'b'].map(keyOf));
  });

  it('touches nothing that is not a copy', async () => {
    const foreign = ['notes.txt', 'abc', 'A'.repeat(24), `${keyOf('a')}0`];
    for (const name of foreign) mkdirSync(join(workDir, name));
    const copy = makeCopy('b', { minutesAgo: 60 });
    writeFileSync(join(copy, 'mine.txt'), 'x');
    await sweepCopies(settings({ localCopyMs: 0, workDirMaxBytes: 1 }));
    expect(there()).toEqual([...foreign, keyOf('b')].sort());
    expect(readdirSync(copy)).toEqual(['mine.txt']);
  });

  it('believes the lease of a process on another machine for as long as it is renewed', async () => {
    const copy = makeCopy('a', { minutesAgo: 60 });
    const lease = join(copy, '01234567.lease');
    writeFileSync(lease, JSON.stringify({ machine: 'elsewhere', pid: process.pid, started: '1', bytes: 0 }));
    await sweepCopies(settings());
    expect(there()).toEqual([keyOf('a')]);
    const longAgo = new Date(Date.now() - 5 * MINUTE);
    utimesSync(lease, longAgo, longAgo);
    await sweepCopies(settings());
    expect(there()).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('knows that an id has been given to another process', async () => {
    const other = await otherProcess(holding('a'));
    makeCopy('a', { minutesAgo: 60 });
    const [name] = readdirSync(join(workDir, keyOf('a'))).filter((file) => file.endsWith('.lease'));
    const lease = join(workDir, keyOf('a'), name);
    const mark = JSON.parse(readFileSync(lease, 'utf8'));
    expect(mark.pid).toBe(other.pid);
    await kill(other);
    writeFileSync(lease, JSON.stringify({ ...mark, pid: process.pid }));
    await sweepCopies(settings());
    expect(there()).toEqual([]);
  });
});

describe('room for a song', () => {
  it('comes from copies that nobody uses', async () => {
    makeCopy('a', { megabytes: 4, minutesAgo: 3 });
    makeCopy('b', { megabytes: 4, minutesAgo: 2 });
    await using folder = await holdFolder(keyOf('c'), settings({ workDirMaxBytes: 10 * MEGABYTE }));
    await folder.makeRoom(5 * MEGABYTE);
    expect(there()).toEqual(['b', 'c'].map(keyOf));
  });

  it('is waited for while others have it in use, what they are about to write included', async () => {
    const limited = settings({ workDirMaxBytes: 10 * MEGABYTE });
    const other = await otherProcess(
      `const folder = await holdFolder('${keyOf('a')}', settings);
       await folder.makeRoom(${8 * MEGABYTE});
       console.log('ready');
       setInterval(() => {}, 1000);`,
      limited,
    );
    await using folder = await holdFolder(keyOf('b'), limited);
    let isThere = false;
    const room = folder.makeRoom(5 * MEGABYTE).then(() => {
      isThere = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(isThere).toBe(false);
    await kill(other);
    await room;
    expect(there()).toEqual([keyOf('b')]);
  });

  it('is not waited for once the work is called off', async () => {
    const limited = settings({ workDirMaxBytes: 10 * MEGABYTE });
    await using first = await holdFolder(keyOf('a'), limited);
    await first.makeRoom(8 * MEGABYTE);
    await using second = await holdFolder(keyOf('b'), limited);
    await expect(second.makeRoom(5 * MEGABYTE, AbortSignal.timeout(50))).rejects.toThrow();
  });

  it('is refused at once to a song that is larger than all may be: both numbers and the setting are told', async () => {
    await using folder = await holdFolder(keyOf('a'), settings({ workDirMaxBytes: 10 * MEGABYTE }));
    await expect(folder.makeRoom(12 * MEGABYTE)).rejects.toMatchObject({
      code: 'disk_full',
      retryable: true,
      message: expect.stringMatching(/takes 12 MB in WORK_DIR; WORK_DIR_MAX_MB allows 10 MB/),
    });
  });
});

describe('a copy in use', () => {
  it('is not removed by who has no more use for it, and goes with the next sweep', async () => {
    makeCopy('a');
    const folder = await holdFolder(keyOf('a'), settings());
    await removeFolder(keyOf('a'), settings());
    expect(existsSync(join(workDir, keyOf('a'), 'song.f32'))).toBe(true);
    await folder[Symbol.asyncDispose]();
    await removeFolder(keyOf('a'), settings());
    expect(there()).toEqual([]);
  });

  it('is never taken, however many processes hold, release and sweep at once', async () => {
    const script = `
      import { existsSync, writeFileSync } from 'node:fs';
      console.log('ready');
      for (let n = 0; n < 40; n++) {
        const key = '${'abc'}'[n % 3].repeat(24);
        const folder = await holdFolder(key, settings);
        const samples = folder.path + '/song.f32';
        writeFileSync(samples, Buffer.alloc(1000));
        writeFileSync(folder.path + '/song.json', '{}');
        for (let look = 0; look < 3; look++) {
          await sweepCopies(settings);
          if (!existsSync(samples)) process.exit(9);
        }
        await folder[Symbol.asyncDispose]();
      }
      process.exit(0);`;
    const greedy = settings({ workDirMaxBytes: 1, localCopyMs: 0 });
    const processes = await Promise.all([1, 2, 3].map(() => otherProcess(script, greedy)));
    const codes = await Promise.all(
      processes.map(async (child) => child.exitCode ?? (await once(child, 'exit'))[0]),
    );
    expect(codes).toEqual([0, 0, 0]);
    await sweepCopies(greedy);
    expect(there()).toEqual([]);
  });
});
