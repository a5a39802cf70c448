import { Presets, SingleBar } from 'cli-progress';
import type { FileProgress } from '../pipeline/models/progress.ts';

const MEGABYTE = 1_000_000;
/** Without a terminal, a line comes with each of these shares in percent. */
const STEP = 10;

/** A download's progress on stderr: a bar for each file on a terminal, else a line per 10 %. */
export class DownloadBar implements Disposable {
  #bar: SingleBar | undefined;
  #file = '';
  #step = 0;

  update({ file, bytes, total }: FileProgress): void {
    const isNew = file !== this.#file;
    this.#file = file;
    if (process.stderr.isTTY) this.#draw(file, bytes, total, isNew);
    else this.#write(file, bytes, total, isNew);
  }

  #draw(file: string, bytes: number, total: number, isNew: boolean): void {
    if (isNew) {
      this.#bar?.stop();
      this.#bar = new SingleBar(
        {
          format: `${file} {bar} {percentage}%  {done} of ${megabytes(total)} MB`,
          hideCursor: true,
          stream: process.stderr,
        },
        Presets.shades_classic,
      );
      this.#bar.start(total, bytes, { done: megabytes(bytes) });
    }
    this.#bar?.update(bytes, { done: megabytes(bytes) });
    if (bytes === total) this.#bar?.stop();
  }

  #write(file: string, bytes: number, total: number, isNew: boolean): void {
    const step = Math.floor(((bytes / total) * 100) / STEP);
    if (!isNew && step === this.#step) return;
    this.#step = step;
    process.stderr.write(`${file}: ${step * STEP} % of ${megabytes(total)} MB\n`);
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);
