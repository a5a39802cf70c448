import { setTimeout as pause } from 'node:timers/promises';
import type { Stage } from '../../../src/pipeline/contracts.ts';
import { end, type Place, startWorker } from '../commands.ts';
import { childrenOf } from '../processes.ts';
import type { Doom, Victim } from './moments.ts';
import type { Onlooker } from './onlooker.ts';

const LOOK_MS = 20;
/** Time in which a kill comes, in ms: at any time, and after what it is aimed at has been reached. */
const WITHIN = { anyTime: [300, 4000], stage: [0, 150], decoder: [0, 30] } as const;
const COMMAND: Record<Exclude<Victim, 'host'>, RegExp> = {
  child: /compute.child/,
  decoder: /libav\.[jt]s \{|ffmpeg .*-i /,
  storage: /azurite.child/,
};

/** A kill that has been. */
export interface Kill {
  readonly victim: Victim;
  readonly stage: string;
}

/** A worker that is killed and started again. */
export class Chaos {
  readonly kills: Kill[] = [];
  readonly #place: Place;
  #worker: Awaited<ReturnType<typeof startWorker>>;
  #log = '';

  private constructor(place: Place, worker: Awaited<ReturnType<typeof startWorker>>) {
    this.#place = place;
    this.#worker = worker;
  }

  static async start(place: Place): Promise<Chaos> {
    return new Chaos(place, await startWorker(place));
  }

  get url(): string {
    return this.#worker.url;
  }

  get pid(): number {
    return this.#worker.child.pid!;
  }

  get log(): string {
    return this.#log + this.#worker.log();
  }

  /** Waits for the moment, and kills the victim if it is there then and the run has not ended. */
  async strike({ victim, stage, moment }: Doom, onlooker: Onlooker): Promise<void> {
    const isAimed = await this.#aim(victim, stage, onlooker);
    const [from, to] = WITHIN[!isAimed ? 'anyTime' : victim === 'decoder' ? victim : 'stage'];
    const at = performance.now() + from + moment * (to - from);
    while (performance.now() < at && !onlooker.hasEnded) await pause(LOOK_MS);
    if (onlooker.hasEnded) return;
    const { stage: hit = 'download' } = onlooker.status ?? {};
    onlooker.noteKill();
    if (await this.#kill(victim)) this.kills.push({ victim, stage: hit });
    onlooker.noteKill();
  }

  /** Ends the worker as `signal` does, and starts another. Returns the exit code. */
  async restart(signal: NodeJS.Signals): Promise<number | null> {
    const code = await this.stop(signal);
    this.#log += this.#worker.log();
    this.#worker = await startWorker(this.#place);
    return code;
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this.#worker;
    return child.signalCode === null ? await end(child, signal) : null;
  }

  async #kill(victim: Victim): Promise<boolean> {
    if (victim === 'host') {
      await this.restart('SIGKILL');
      return true;
    }
    const [pid] = childrenOf(this.pid, COMMAND[victim]);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    return pid !== undefined;
  }

  /** Waits until the run comes to what is aimed at. False where it has come by there before. */
  async #aim(victim: Victim, stage: Stage | undefined, onlooker: Onlooker): Promise<boolean> {
    if (victim === 'decoder') {
      const isDecoding = () => childrenOf(this.pid, COMMAND.decoder).length > 0;
      while (!onlooker.hasReached('separate') && !isDecoding()) await pause(LOOK_MS);
      return isDecoding();
    }
    if (!stage || onlooker.hasReached(stage)) return false;
    while (!onlooker.hasReached(stage)) await pause(LOOK_MS);
    return true;
  }
}
