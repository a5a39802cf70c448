import { Presets, SingleBar } from 'cli-progress';
import type { RunStatus } from './song-run.ts';

const STAGE_WIDTH = 9;
const PERCENT = 100;

/** Progress on stderr: a bar with the stage's name on a terminal, else a line per stage. */
export class ProgressBar implements Disposable {
  readonly #name: string;
  readonly #bar: SingleBar | undefined;
  #stage = '';

  constructor(name: string) {
    this.#name = name;
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: '{stage} {bar} {percentage}%  {name}',
        hideCursor: true,
        clearOnComplete: true,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    this.#bar.start(PERCENT, 0, { stage: ''.padEnd(STAGE_WIDTH), name });
  }

  update({ status, stage = 'queued', progress = 0 }: RunStatus): void {
    if (status === 'completed') return;
    if (this.#bar) this.#bar.update(Math.round(progress * PERCENT), { stage: stage.padEnd(STAGE_WIDTH) });
    else if (stage !== this.#stage) process.stderr.write(`${this.#name}: ${stage}\n`);
    this.#stage = stage;
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
